"""Least squares of rises: piecewise linear functions of deviations that are 0 where there is none, beside smooth terms.

For deviations above zero they are max(deviation - knot sigma, 0), one for each knot; below, min(deviation + knot sigma,
0); so that half of them are 0 for every observation.
"""


cdef inline Py_ssize_t placed(Py_ssize_t i, Py_ssize_t S, Py_ssize_t K, Py_ssize_t side) noexcept nogil:
    """Where a term of one side stands among those of both: the smooth ones first, the target last."""
    if i < S:
        return i
    return S + side * K + (i - S) if i < S + K else S + 2 * K


def rise_sums(const double[:, ::1] smooth, const double[::1] deviation, const double[::1] sigma,
              const double[::1] target, const double[::1] weight, const unsigned char[::1] use,
              const double[::1] knots, double[:, ::1] out):
    """out (terms + 1, terms + 1), given as zeros, becomes the sums of products of the terms and the target.

    smooth : (N, S <= 8) terms, before those of the rises above and below, one for each of the knots (K <= 8). Each
    observation's terms and target are multiplied by its weight (N,); those not to `use` (N,) are left out.
    """
    cdef Py_ssize_t n, i, j, side, S = smooth.shape[1], K = knots.shape[0], m = S + K + 1
    cdef double term[17]
    cdef double sums[2][17 * 17]
    cdef double w, d, sign, rise
    cdef double* total
    with nogil:
        for i in range(m * m):
            sums[0][i] = 0
            sums[1][i] = 0
        for n in range(deviation.shape[0]):
            if not use[n]:
                continue
            w, d = weight[n], deviation[n]
            for i in range(S):
                term[i] = smooth[n, i] * w
            side = 0 if d > 0 else 1
            sign = 1 if d > 0 else -1
            for i in range(K):
                rise = sign * d - knots[i] * sigma[n]
                term[S + i] = (rise if rise > 0 else 0) * sign * w
            term[S + K] = target[n] * w
            total = sums[side]
            for i in range(m):
                for j in range(m):
                    total[i * m + j] += term[i] * term[j]
        for side in range(2):
            for i in range(m):
                for j in range(m):
                    out[placed(i, S, K, side), placed(j, S, K, side)] += sums[side][i * m + j]


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
