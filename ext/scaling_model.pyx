"""Terms of a scaling model for many observations: smooth curves, directions in the crystal, derivatives."""

from libc.math cimport cos, exp, floor, sin, sqrt


cdef inline Py_ssize_t weights_at(double x, Py_ssize_t n_parameters, Py_ssize_t width, double start, double sigma,
                                  double* weight) noexcept nogil:
    """The first of the `width` parameters nearest to x, the first of all standing at `start`, and their weights."""
    cdef double first = floor(x - 0.5 * width + 0.5) + 1, total = 0, away
    cdef Py_ssize_t k, begin
    if not first > 0:
        first = 0
    if first > n_parameters - width:
        first = n_parameters - width
    begin = <Py_ssize_t>first
    for k in range(width):
        away = (x - (begin + k + start)) / sigma
        weight[k] = exp(-(away * away))
        total += weight[k]
    for k in range(width):
        weight[k] /= total
    return begin


def smoother_weights(const double[::1] x, Py_ssize_t n_parameters, double start, double sigma,
                     Py_ssize_t[:, ::1] index, double[:, ::1] weight):
    """index and weight (N, width <= 3) become the parameters that make the value at each x (N,), and their weights."""
    cdef Py_ssize_t n, k, begin, width = index.shape[1]
    with nogil:
        for n in range(x.shape[0]):
            begin = weights_at(x[n], n_parameters, width, start, sigma, &weight[n, 0])
            for k in range(width):
                index[n, k] = begin + k


def smoothed(const double[::1] x, const double[::1] parameters, Py_ssize_t width, double start, double sigma,
             double[::1] out):
    """out (N,) becomes the sum of parameters times their weights at each x (N,)."""
    cdef Py_ssize_t n, k, begin
    cdef double weight[3]
    cdef double total
    with nogil:
        for n in range(x.shape[0]):
            begin = weights_at(x[n], parameters.shape[0], width, start, sigma, weight)
            total = 0
            for k in range(width):
                total += parameters[begin + k] * weight[k]
            out[n] = total


def turned(const double[:, ::1] vectors, const double[::1] angle, const double[:, :, ::1] turn,
           const double[:, ::1] still, double[:, ::1] of_still, double[:, ::1] of_vectors):
    """A vector that stands still, and unit vectors along `vectors` (N, 3), turned by `angle` (N,), radians.

    v becomes v @ (turn[0] + cos turn[1] + sin turn[2]); `still` holds these three products of the one that stands still
    """
    cdef Py_ssize_t n, k
    cdef double c, s, x, y, z, length
    with nogil:
        for n in range(vectors.shape[0]):
            c, s = cos(angle[n]), sin(angle[n])
            x, y, z = vectors[n, 0], vectors[n, 1], vectors[n, 2]
            length = sqrt(x * x + y * y + z * z)
            if length > 0:
                x, y, z = x / length, y / length, z / length
            for k in range(3):
                of_still[n, k] = still[0, k] + c * still[1, k] + s * still[2, k]
                of_vectors[n, k] = (
                    x * (turn[0, 0, k] + c * turn[1, 0, k] + s * turn[2, 0, k])
                    + y * (turn[0, 1, k] + c * turn[1, 1, k] + s * turn[2, 1, k])
                    + z * (turn[0, 2, k] + c * turn[1, 2, k] + s * turn[2, 2, k])
                )


def log_derivatives(const Py_ssize_t[:, ::1] scale_index, const double[:, ::1] scale_weight, const double[::1] scale,
                    const Py_ssize_t[:, ::1] decay_index, const double[:, ::1] decay_weight,
                    const double[::1] half_inverse_d2, const double[:, ::1] basis, const double[::1] surface,
                    Py_ssize_t n_scale, double[:, ::1] out):
    """out (N, parameters), given as zeros, becomes the derivatives of ln g = ln scale + B half_inverse_d2 + ln surface.

    The columns are scale, decay and surface; indices count from the first of their own.
    """
    cdef Py_ssize_t n, k, n_surface = basis.shape[1], last = out.shape[1] - basis.shape[1]
    cdef double inverse
    with nogil:
        for n in range(out.shape[0]):
            for k in range(scale_index.shape[1]):
                out[n, scale_index[n, k]] = scale_weight[n, k] / scale[n]
            for k in range(decay_index.shape[1]):
                out[n, n_scale + decay_index[n, k]] = decay_weight[n, k] * half_inverse_d2[n]
            inverse = 1.0 / surface[n]
            for k in range(n_surface):
                out[n, last + k] = basis[n, k] * inverse


def weighted_sums(const double[:, ::1] derivatives, const double[::1] root, const double[::1] pull,
                  const double[::1] share, const Py_ssize_t[::1] group, double[:, ::1] weighted,
                  double[::1] gradient, double[:, ::1] coupling):
    """weighted (N, parameters) becomes derivatives times root (N,); to gradient (parameters,) are added those times
    pull (N,), and to coupling (groups, parameters) those times share (N,), each in the row of its group.

    group : (N,) sorted; rows of coupling are of the groups that occur, in order
    """
    cdef Py_ssize_t n, j, k = -1, last = -1
    cdef double r, p, s, d
    with nogil:
        for n in range(derivatives.shape[0]):
            if group[n] != last:
                last = group[n]
                k = k + 1
            r, p, s = root[n], pull[n], share[n]
            for j in range(derivatives.shape[1]):
                d = derivatives[n, j]
                weighted[n, j] = d * r
                gradient[j] += d * p
                coupling[k, j] += d * s
