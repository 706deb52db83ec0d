"""Weighted means of groups of observations, and what they make expect of each observation, in a few passes."""

from libc.math cimport isfinite


cdef inline double corrected(double variance, double expected, double a2, double b) noexcept nogil:
    """a^2 (variance + (b I)^2), of an expected intensity I that is not below 0."""
    cdef double of_intensity = b * expected if expected > 0 else 0
    return (of_intensity * of_intensity + variance) * a2


def group_expectation(const double[::1] intensity, const double[::1] variance, const double[::1] factor,
                      const Py_ssize_t[::1] group, const unsigned char[::1] use, double a, double b,
                      double[::1] sum_wg2, double[::1] common, double[::1] expected, double[::1] total,
                      double[::1] share):
    """expected, total and share (N,) become those that group_expectation of autoproc.kernels describes.

    sum_wg2, common : (groups,) become the sums of weights, and the means
    """
    cdef Py_ssize_t n, g, turn
    cdef double weight, seen, a2 = a * a
    with nogil:
        for turn in range(2):
            for g in range(common.shape[0]):
                sum_wg2[g] = 0
                common[g] = 0
            for n in range(group.shape[0]):
                if use[n]:
                    g = group[n]
                    seen = intensity[n] if turn == 0 else expected[n]
                    weight = factor[n] / corrected(variance[n], seen, a2, b)
                    share[n] = weight * factor[n]
                    sum_wg2[g] += share[n]
                    common[g] += weight * intensity[n]
                else:
                    share[n] = 0
            for g in range(common.shape[0]):
                if sum_wg2[g] > 0:
                    common[g] = common[g] / sum_wg2[g]
            for n in range(group.shape[0]):
                expected[n] = common[group[n]] * factor[n]
        for n in range(group.shape[0]):
            g = group[n]
            total[n] = corrected(variance[n] if isfinite(variance[n]) else 1.0, expected[n], a2, b)
            if sum_wg2[g] > 0:
                share[n] = share[n] / sum_wg2[g]
