"""Sums over the reflections that two data sets have in common, one of them turned by a rotation."""


def pair_sums(const Py_ssize_t[::1] start, const int[::1] dataset, const double[::1] value, const Py_ssize_t[::1] image,
              double[:, :, ::1] sums):
    """Add n, x, y, xx, yy, xy of every pair; values of the same data set and reflection are no pair."""
    cdef Py_ssize_t u, v, p, q
    cdef int i
    cdef double x, y
    cdef double* cell
    with nogil:
        for u in range(start.shape[0] - 1):
            v = image[u]
            for p in range(start[u], start[u + 1]):
                i = dataset[p]
                x = value[p]
                for q in range(start[v], start[v + 1]):
                    if p == q:
                        continue
                    y = value[q]
                    cell = &sums[i, dataset[q], 0]
                    cell[0] += 1.0
                    cell[1] += x
                    cell[2] += y
                    cell[3] += x * x
                    cell[4] += y * y
                    cell[5] += x * y
