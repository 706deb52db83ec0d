"""The nearest of many points in up to three dimensions, sought in the cells of a grid."""


cdef inline Py_ssize_t cell_at(double x, double low, double per_unit, Py_ssize_t n) noexcept nogil:
    """The cell of a coordinate; those outside of the grid are in the outermost."""
    cdef double cell = (x - low) * per_unit
    if not cell > 0:
        return 0
    return n - 1 if cell >= n else <Py_ssize_t>cell


def sort_into_cells(const double[:, ::1] points, const double[::1] low, const double[::1] per_unit,
                    const Py_ssize_t[::1] shape, Py_ssize_t[::1] end, Py_ssize_t[::1] order, double[:, ::1] ordered):
    """order (N,) and ordered (N, 3) become the points (N, 3) cell by cell, each in the order that they had.

    low, per_unit, shape : (3,) of the grid; end : (cells + 1,) given as zeros, becomes where each cell ends, the last
    of them but one, with a zero before them
    """
    cdef Py_ssize_t n, k, cell
    with nogil:
        for n in range(points.shape[0]):
            cell = 0
            for k in range(3):
                cell = cell * shape[k] + cell_at(points[n, k], low[k], per_unit[k], shape[k])
            order[n] = cell
            end[cell + 1] += 1
        for cell in range(1, end.shape[0]):
            end[cell] += end[cell - 1]
        # From the last point on, each cell is filled from its end, and its end becomes its beginning.
        for n in range(points.shape[0] - 1, -1, -1):
            cell = order[n]
            end[cell + 1] -= 1
            order[n] = end[cell + 1]
        for n in range(points.shape[0]):
            for k in range(3):
                ordered[order[n], k] = points[n, k]


cdef inline void insert(double d2, Py_ssize_t number, double* best, Py_ssize_t* which, Py_ssize_t k) noexcept nogil:
    """Put a point among the k nearest so far, in order of distance and then of number."""
    cdef Py_ssize_t at = k - 1
    while at > 0 and (d2 < best[at - 1] or (d2 == best[at - 1] and number < which[at - 1])):
        best[at] = best[at - 1]
        which[at] = which[at - 1]
        at -= 1
    best[at] = d2
    which[at] = number


def nearest(const double[:, ::1] queries, const double[:, ::1] ordered, const Py_ssize_t[::1] number,
            const Py_ssize_t[::1] begin, const double[::1] low, const double[::1] per_unit,
            const Py_ssize_t[::1] shape, Py_ssize_t[:, ::1] out):
    """out (M, k <= 64) becomes the numbers of the points nearest to each of the queries (M, 3), nearest first.

    ordered (N >= k, 3) : the points cell by cell, with their numbers (N,); begin : (cells + 1,) where each cell begins
    """
    cdef Py_ssize_t m, n, i, k = out.shape[1], ring, x, y, z, step, cell
    cdef Py_ssize_t centre[3]
    cdef Py_ssize_t first[3]
    cdef Py_ssize_t last[3]
    cdef Py_ssize_t which[64]
    cdef double best[64]
    cdef double d2, edge, bound
    cdef bint everything
    with nogil:
        for m in range(queries.shape[0]):
            for i in range(k):
                best[i] = 1e308
                which[i] = ordered.shape[0]
            for i in range(3):
                centre[i] = cell_at(queries[m, i], low[i], per_unit[i], shape[i])
            ring = 0
            while True:
                for i in range(3):
                    first[i] = centre[i] - ring if centre[i] > ring else 0
                    last[i] = centre[i] + ring if centre[i] + ring < shape[i] else shape[i] - 1
                for x in range(first[0], last[0] + 1):
                    for y in range(first[1], last[1] + 1):
                        z = first[2]
                        step = 1
                        if x - centre[0] != ring and centre[0] - x != ring and y - centre[1] != ring \
                                and centre[1] - y != ring and ring > 0:
                            z = centre[2] - ring
                            step = 2 * ring
                        while z <= last[2]:
                            if z >= 0:
                                cell = (x * shape[1] + y) * shape[2] + z
                                for n in range(begin[cell], begin[cell + 1]):
                                    d2 = 0
                                    for i in range(3):
                                        d2 = d2 + (ordered[n, i] - queries[m, i]) * (ordered[n, i] - queries[m, i])
                                    if d2 < best[k - 1] or (d2 == best[k - 1] and number[n] < which[k - 1]):
                                        insert(d2, number[n], best, which, k)
                            z = z + step
                # What is further than the walls around the cells that were looked at cannot be nearer than they are.
                everything = True
                bound = 1e154
                for i in range(3):
                    if centre[i] - ring > 0:
                        everything = False
                        edge = queries[m, i] - (low[i] + (centre[i] - ring) / per_unit[i])
                        bound = edge if edge < bound else bound
                    if centre[i] + ring < shape[i] - 1:
                        everything = False
                        edge = low[i] + (centre[i] + ring + 1) / per_unit[i] - queries[m, i]
                        bound = edge if edge < bound else bound
                if everything or (bound > 0 and best[k - 1] <= bound * bound * (1 - 1e-9)):
                    break
                ring = ring + 1
            for i in range(k):
                out[m, i] = which[i]
