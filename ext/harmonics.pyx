"""Real spherical harmonics of pairs of directions; the formulae are in autoproc/scaling/absorption.py."""

MAX_DEGREE = 16

cdef double SQRT_2 = 1.4142135623730951


cdef inline void add_harmonics(double x, double y, double z, int lmax, double half, const double[:, :, ::1] recurrence,
                               const double[::1] diagonal, double* out) noexcept nogil:
    """Add half times the harmonics of a direction to out; l (l + 1) - 1 + m is the place of (l, m)."""
    cdef double re = 1, im = 0, below, here, above
    cdef int m, degree, zero
    for m in range(lmax + 1):
        if m:
            re, im = re * x - im * y, re * y + im * x
        below = 0
        here = half * diagonal[m] * (SQRT_2 if m else 1.0)
        for degree in range(m, lmax + 1):
            if degree > m:
                above = recurrence[degree, m, 0] * (z * here - recurrence[degree, m, 1] * below)
                below = here
                here = above
            zero = degree * (degree + 1) - 1
            if m:
                out[zero + m] += here * re
                out[zero - m] += here * im
            elif degree:
                out[zero] += here


def mean_harmonics(const double[:, ::1] first, const double[:, ::1] second, int lmax,
                   const double[:, :, ::1] recurrence, const double[::1] diagonal, double[:, ::1] out):
    """out (N, lmax (lmax + 2)), given as zeros, becomes the mean of the harmonics of two directions (N, 3)."""
    cdef Py_ssize_t n
    with nogil:
        for n in range(first.shape[0]):
            add_harmonics(first[n, 0], first[n, 1], first[n, 2], lmax, 0.5, recurrence, diagonal, &out[n, 0])
            add_harmonics(second[n, 0], second[n, 1], second[n, 2], lmax, 0.5, recurrence, diagonal, &out[n, 0])


def mean_series(const double[:, ::1] first, const double[:, ::1] second, int lmax,
                const double[:, :, ::1] recurrence, const double[::1] diagonal, const double[::1] coefficients,
                double[::1] out):
    """out (N,) becomes the sum of coefficients times the same means, which are not kept."""
    cdef Py_ssize_t n, i, size = coefficients.shape[0]
    cdef double basis[512]
    cdef double total
    with nogil:
        for n in range(first.shape[0]):
            for i in range(size):
                basis[i] = 0
            add_harmonics(first[n, 0], first[n, 1], first[n, 2], lmax, 0.5, recurrence, diagonal, basis)
            add_harmonics(second[n, 0], second[n, 1], second[n, 2], lmax, 0.5, recurrence, diagonal, basis)
            total = 0
            for i in range(size):
                total += coefficients[i] * basis[i]
            out[n] = total
