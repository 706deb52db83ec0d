"""Least squares of rises: piecewise linear functions of deviations that are 0 where there is none, beside smooth terms.

For deviations above zero they are max(deviation - knot sigma, 0), one for each knot; below, min(deviation + knot sigma,
0); so that half of them are 0 for every observation.
"""


def rise_sums(const double[:, ::1] smooth, const double[::1] deviation, const double[::1] sigma,
              const double[::1] target, const double[::1] weight, const unsigned char[::1] use,
              const double[::1] knots, double[:, ::1] out):
    """out (terms + 1, terms + 1), given as zeros, becomes the sums of products of the terms and the target.

    smooth : (N, S <= 8) terms, before those of the rises above and below, one for each of the knots (K <= 8). Each
    observation's terms and target are multiplied by its weight (N,); those not to `use` (N,) are left out.
    """
    cdef Py_ssize_t n, i, j, S = smooth.shape[1], K = knots.shape[0], first, T = out.shape[0] - 1
    cdef double term[17]
    cdef Py_ssize_t place[17]
    cdef double w, d, rise
    cdef Py_ssize_t m
    with nogil:
        for n in range(deviation.shape[0]):
            if not use[n]:
                continue
            w, d = weight[n], deviation[n]
            for i in range(S):
                term[i], place[i] = smooth[n, i] * w, i
            m = S
            first = S if d > 0 else S + K
            for i in range(K):
                rise = d - knots[i] * sigma[n] if d > 0 else d + knots[i] * sigma[n]
                if (d > 0 and rise > 0) or (d < 0 and rise < 0):
                    term[m], place[m] = rise * w, first + i
                    m = m + 1
            term[m], place[m] = target[n] * w, T
            for i in range(m + 1):
                for j in range(i, m + 1):
                    out[place[i], place[j]] += term[i] * term[j]
        for i in range(T + 1):
            for j in range(i):
                out[i, j] = out[j, i]


def rises_by(const double[::1] deviation, const double[::1] sigma, const double[::1] slopes, const double[::1] knots,
             double[::1] out):
    """out (N,) becomes the sum of the rises of each observation times slopes (2 K,), those above first."""
    cdef Py_ssize_t n, i, K = knots.shape[0]
    cdef double d, rise, total
    with nogil:
        for n in range(deviation.shape[0]):
            d, total = deviation[n], 0
            for i in range(K):
                if d > 0:
                    rise = d - knots[i] * sigma[n]
                    if rise > 0:
                        total = total + slopes[i] * rise
                else:
                    rise = d + knots[i] * sigma[n]
                    if rise < 0:
                        total = total + slopes[K + i] * rise
            out[n] = total
