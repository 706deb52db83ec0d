"""Spots of a simulated image: bivariate Gaussians integrated over pixels."""

from libc.math cimport ceil, erf, exp, floor, sqrt

cdef double PI = 3.141592653589793


cdef void add_row(double* row, Py_ssize_t n_fast, double centre, double sigma, double reach, double weight) noexcept nogil:
    """Add a one-dimensional Gaussian, integrated over the pixels of a row."""
    cdef double scale = 1.0 / (sqrt(2.0) * sigma), before, after
    cdef Py_ssize_t x, low = <Py_ssize_t>floor(centre - reach * sigma), high = <Py_ssize_t>ceil(centre + reach * sigma)
    if low < 0:
        low = 0
    if high > n_fast:
        high = n_fast
    if low >= high:
        return
    before = erf((low - centre) * scale)
    for x in range(low, high):
        after = erf((x + 1 - centre) * scale)
        row[x] += 0.5 * weight * (after - before)
        before = after


def add_spots(double[:, ::1] image, const double[:, ::1] centre, const double[:, ::1] covariance,
              const double[::1] counts, double reach):
    """Add Gaussians of `counts` photons, cut off at `reach` standard deviations.

    Rows are sampled at 2 to 16 heights a pixel, as narrow as the spot needs; along a row the
    integral is exact.
    """
    cdef Py_ssize_t i, y, low, high, n_slow = image.shape[0], n_fast = image.shape[1]
    cdef int k, n_samples
    cdef double xx, xy, yy, narrow, height, tall, sigma
    with nogil:
        for i in range(centre.shape[0]):
            xx = covariance[i, 0]
            xy = covariance[i, 1]
            yy = covariance[i, 2]
            sigma = sqrt(xx - xy * xy / yy)
            narrow = sqrt(yy - xy * xy / xx)
            n_samples = <int>ceil(0.8 / narrow)
            if n_samples < 2:
                n_samples = 2
            if n_samples > 16:
                n_samples = 16
            tall = reach * sqrt(yy)
            low = <Py_ssize_t>floor(centre[i, 1] - tall)
            high = <Py_ssize_t>ceil(centre[i, 1] + tall)
            if low < 0:
                low = 0
            if high > n_slow:
                high = n_slow
            for y in range(low, high):
                for k in range(n_samples):
                    height = y + (k + 0.5) / n_samples - centre[i, 1]
                    add_row(&image[y, 0], n_fast, centre[i, 0] + xy / yy * height, sigma, reach,
                            counts[i] * exp(-0.5 * height * height / yy) / (sqrt(2.0 * PI * yy) * n_samples))
