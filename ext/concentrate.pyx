"""Concentration steps of the minimum covariance determinant; see autoproc/refinement/outliers.py."""

from libc.math cimport INFINITY, log, sqrt


cdef double kth_smallest(double* values, Py_ssize_t n, Py_ssize_t k) noexcept nogil:
    """The value that k others may stand before in order; values are put into another order (Hoare 1961)."""
    cdef Py_ssize_t low = 0, high = n - 1, i, j
    cdef double pivot, held
    while low < high:
        pivot = values[low + (high - low) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                held = values[i]
                values[i] = values[j]
                values[j] = held
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]


cdef void moments(const double[:, ::1] z, const unsigned char[::1] near, Py_ssize_t h, double[::1] centre,
                  double[:, ::1] covariance) noexcept nogil:
    cdef Py_ssize_t i, j, n, p = z.shape[0]
    cdef double total, a, b
    for i in range(p):
        total = 0.0
        for n in range(z.shape[1]):
            total += z[i, n] if near[n] else 0.0
        centre[i] = total / h
    for i in range(p):
        a = centre[i]
        for j in range(i + 1):
            b = centre[j]
            total = 0.0
            for n in range(z.shape[1]):
                total += (z[i, n] - a) * (z[j, n] - b) if near[n] else 0.0
            covariance[i, j] = covariance[j, i] = total / (h - 1)
        covariance[i, i] += 1e-12


cdef double log_determinant(const double[:, ::1] covariance, double[:, ::1] root) noexcept nogil:
    """With root (p, p), below its diagonal, the factor of Cholesky; the diagonal of it inverted."""
    cdef Py_ssize_t i, j, k, p = covariance.shape[0]
    cdef double total, found = 0.0
    for i in range(p):
        for j in range(i + 1):
            total = covariance[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            if i > j:
                root[i, j] = total * root[j, j]
            elif not total > 0:
                return -INFINITY
            else:
                root[i, i] = 1.0 / sqrt(total)
                found += log(total)
    return found


cdef void distances(const double[:, ::1] z, const double[::1] centre, const double[:, ::1] root, double[:, ::1] along,
                    double[::1] out) noexcept nogil:
    cdef Py_ssize_t i, j, n, p = z.shape[0]
    cdef double c
    for n in range(z.shape[1]):
        out[n] = 0.0
    for i in range(p):
        for n in range(z.shape[1]):
            along[i, n] = z[i, n] - centre[i]
        for j in range(i):
            c = root[i, j]
            for n in range(z.shape[1]):
                along[i, n] -= c * along[j, n]
        c = root[i, i]
        for n in range(z.shape[1]):
            along[i, n] *= c
            out[n] += along[i, n] * along[i, n]


def concentrate(const double[:, ::1] z, Py_ssize_t h, Py_ssize_t steps, double[::1] distance, double[::1] scratch,
                unsigned char[::1] near, double[:, ::1] root, double[:, ::1] along, double[::1] centre,
                double[:, ::1] covariance):
    """The logarithm of the determinant of the last covariance; distance, given, is overwritten."""
    cdef Py_ssize_t n, step, left
    cdef double limit, found = INFINITY, last
    with nogil:
        for step in range(steps):
            for n in range(z.shape[1]):
                scratch[n] = distance[n]
            limit = kth_smallest(&scratch[0], z.shape[1], h - 1)
            left = h
            for n in range(z.shape[1]):
                near[n] = distance[n] < limit
                left -= near[n]
            for n in range(z.shape[1]):
                if left > 0 and distance[n] == limit:
                    near[n] = 1
                    left -= 1
            moments(z, near, h, centre, covariance)
            last = found
            found = log_determinant(covariance, root)
            if not found < last - 1e-9 or found == -INFINITY:
                break
            distances(z, centre, root, along, distance)
    return found
