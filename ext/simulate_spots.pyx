"""Spots of a simulated image: bivariate Gaussians integrated over pixels."""

from libc.math cimport ceil, erf, exp, fabs, floor, sqrt

cdef extern from "clipped.h" nogil:
    long clipped(double position, long n)

cdef double SQRT_PI = 1.7724538509055159


cdef void add_row(double* row, Py_ssize_t n_fast, double centre, double sigma, double reach, double weight) noexcept nogil:
    """Add a one-dimensional Gaussian, integrated over the pixels of a row."""
    cdef double scale = 1.0 / (sqrt(2.0) * sigma), before, after
    cdef Py_ssize_t x
    cdef Py_ssize_t low = clipped(floor(centre - reach * sigma), n_fast)
    cdef Py_ssize_t high = clipped(ceil(centre + reach * sigma), n_fast)
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

    A row of pixels is cut into strips, so thin that the Gaussian along a strip hardly shifts within
    it. The integral over a strip's height is exact, and so is that over each pixel along it, at the
    strip's mean height.
    """
    cdef Py_ssize_t i, y, low, high, n_slow = image.shape[0], n_fast = image.shape[1]
    cdef int k, n_strips
    cdef double xx, xy, yy, tall, sigma, slope, top, scale, before, after, height, density_before, density_after
    with nogil:
        for i in range(centre.shape[0]):
            xx = covariance[i, 0]
            xy = covariance[i, 1]
            yy = covariance[i, 2]
            slope = xy / yy
            tall = reach * sqrt(yy)
            scale = 1.0 / sqrt(2.0 * yy)
            n_strips = 1 + <int>clipped(2.5 * fabs(slope) / sqrt(xx - xy * slope), 15)
            sigma = sqrt(xx - xy * slope + slope * slope / (12.0 * n_strips * n_strips))
            low = clipped(floor(centre[i, 1] - tall), n_slow)
            high = clipped(ceil(centre[i, 1] + tall), n_slow)
            top = low - centre[i, 1]
            before = erf(top * scale)
            density_before = exp(-top * top * scale * scale)
            for y in range(low, high):
                for k in range(n_strips):
                    top = y + (k + 1.0) / n_strips - centre[i, 1]
                    after = erf(top * scale)
                    density_after = exp(-top * top * scale * scale)
                    height = top - 0.5 / n_strips
                    if after - before > 1e-9:
                        height = (density_before - density_after) / (SQRT_PI * scale * (after - before))
                    add_row(&image[y, 0], n_fast, centre[i, 0] + slope * height, sigma, reach,
                            0.5 * counts[i] * (after - before))
                    before = after
                    density_before = density_after
