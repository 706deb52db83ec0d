"""Robust background of shoeboxes: a Poisson model of constant mean, fitted by a Huber M-estimator."""

from libc.math cimport exp, floor, lgamma, log, sqrt
from libc.stdint cimport int32_t, uint8_t

# Counts below BINS are counted by value, so that a sum over pixels is one over the few values that they have.
cdef extern from "count_bins.h" nogil:
    cdef enum:
        BINS
        ABOVE
        BELOW
        NO_COUNT
        ALL_BINS
    void bin_counts(const int32_t* counts, const uint8_t* label, long n, int32_t* bins)

# The highest mean of which everything that is compared with a limit has a bin: mu + 6 sqrt(mu) + 4 < BINS.
cdef double MOST_BINNED = 160.0
cdef double TUNING = 1.345
cdef int MAX_ITERATIONS = 50
cdef int WORST = -0x7FFFFFFF  # counts up to it are none
cdef double NOT_KNOWN = float("nan")
cdef double CLIP = 4.0


cdef inline double pmf(double k, double mu) noexcept nogil:
    if k < 0:
        return 0.0
    return exp(k * log(mu) - mu - lgamma(k + 1))


cdef inline void expectations(double mu, double* bias, double* slope) noexcept nogil:
    """E[psi] and E[psi r] of the Huber function of Poisson residuals (Cantoni & Ronchetti 2001)."""
    cdef double root = sqrt(mu)
    cdef double low = floor(mu - TUNING * root)
    cdef double high = floor(mu + TUNING * root)
    cdef double k, p, below = 0, inside = 0, second = 0, low_first = 0, first = 0
    cdef double start = floor(mu - 8 * root - 8)
    if start < 0:
        start = 0
    p = pmf(start, mu)
    k = start
    while k <= high:
        if k <= low:
            below += p
            low_first += p * (k - mu)
        else:
            inside += p
            first += p * (k - mu)
            second += p * (k - mu) * (k - mu)
        k += 1
        p *= mu / k
    cdef double above = 1 - below - inside
    # Sum over all k of p (k - mu) is zero, so that what lies above is minus the rest.
    cdef double high_first = -(low_first + first)
    if above < 0:
        above = 0
    bias[0] = TUNING * (above - below) + first / root
    slope[0] = (TUNING * (high_first - low_first) + second / root) / root


cdef inline bint improved(double* mu, double mean_psi) noexcept nogil:
    """Take a step of Fisher scoring in log(mu) for the mean of psi; whether another may be needed."""
    cdef double bias, slope, change
    expectations(mu[0], &bias, &slope)
    if slope <= 0:
        return False
    change = (mean_psi - bias) / (slope * sqrt(mu[0]))
    if change > 1:
        change = 1
    elif change < -1:
        change = -1
    mu[0] *= exp(change)
    return not -1e-4 < change < 1e-4 and mu[0] >= 1e-6


cdef double robust_mean(const int32_t[::1] counts, const uint8_t[::1] label, Py_ssize_t start, Py_ssize_t stop,
                        double mu, double limit, Py_ssize_t n) noexcept nogil:
    """The mean that solves sum psi(r) = n E[psi], by Fisher scoring in log(mu); n counts do not exceed limit."""
    cdef Py_ssize_t i, step
    cdef double root, r, total
    for step in range(MAX_ITERATIONS):
        root = sqrt(mu)
        total = 0
        for i in range(start, stop):
            if label[i] != 0 or counts[i] <= WORST or counts[i] > limit:
                continue
            r = (counts[i] - mu) / root
            total += TUNING if r > TUNING else (-TUNING if r < -TUNING else r)
        if not improved(&mu, total / n):
            break
    return mu


cdef double binned_mean(const int32_t* bins, Py_ssize_t n_high, double mu, double limit, Py_ssize_t n) noexcept nogil:
    """robust_mean of counts that are binned, n_high of them above all bins; NaN where bins do not reach far enough."""
    cdef Py_ssize_t step
    cdef int v, last = BINS - 1
    cdef double root, r, total
    if limit < last:
        last = <int>floor(limit)
        n_high = 0
    while last > 0 and bins[last] == 0:
        last -= 1
    for step in range(MAX_ITERATIONS):
        if not mu <= MOST_BINNED:
            return NOT_KNOWN
        root = sqrt(mu)
        total = n_high * TUNING
        for v in range(last + 1):
            r = (v - mu) / root
            total += bins[v] * (TUNING if r > TUNING else (-TUNING if r < -TUNING else r))
        if not improved(&mu, total / n):
            break
    return mu


cdef double binned_dispersion(const int32_t* bins, double mu) noexcept nogil:
    """dispersion_within of counts that are binned, photons without noise of a readout."""
    cdef double squares = 0
    cdef int v, last = <int>floor(mu + 3 * sqrt(mu) + 1)
    cdef Py_ssize_t n = 0
    for v in range(last + 1):
        squares += bins[v] * ((v - mu) * (v - mu))
        n += bins[v]
    return squares / (n * mu) if n > 1 and mu > 0 else 1


cdef bint from_bins(const int32_t* bins, Py_ssize_t n_high, double total, Py_ssize_t n, Py_ssize_t min_pixels, double* mean,
                    double* dispersion) noexcept nogil:
    """Mean and dispersion of n binned counts; False where their bins do not reach far enough."""
    cdef double mu = binned_mean(bins, n_high, total / n, 1e30, n), limit
    cdef Py_ssize_t inner = 0
    cdef int v
    if not mu <= MOST_BINNED:
        return False
    limit = mu + 6 * sqrt(mu) + 4
    for v in range(<int>floor(limit) + 1):
        inner += bins[v]
    if inner < n and inner >= min_pixels:
        mu = binned_mean(bins, n_high, mu, limit, inner)
        if not mu <= MOST_BINNED:
            return False
    mean[0] = mu
    dispersion[0] = binned_dispersion(bins, mu)
    return True


cdef double dispersion_within(const int32_t[::1] counts, const uint8_t[::1] label, Py_ssize_t start,
                              Py_ssize_t stop, double mu, double gain, double noise) noexcept nogil:
    """Variance of the counts up to 3 sigma above the mean over what is expected; 1 where they are too few."""
    cdef double expected = gain * (mu if mu > 0 else 0) + noise, squares = 0
    cdef double limit = mu + 3 * sqrt(expected) + gain
    cdef Py_ssize_t i, n = 0
    for i in range(start, stop):
        if label[i] == 0 and WORST < counts[i] <= limit:
            squares += (counts[i] - mu) * (counts[i] - mu)
            n += 1
    return squares / (n * expected) if n > 1 and expected > 0 else 1


cdef double clipped_mean(const int32_t[::1] counts, const uint8_t[::1] label, Py_ssize_t start, Py_ssize_t stop,
                         double mu, double gain, double noise) noexcept nogil:
    """The mean of what lies within CLIP standard deviations and a photon of it, found by iteration.

    Of photons with a gain and the noise of a readout, negative counts among them, hardly one in 10**4 lies beyond.
    """
    cdef Py_ssize_t i, step, n
    cdef double reach, total, change
    for step in range(MAX_ITERATIONS):
        reach = CLIP * sqrt(gain * (mu if mu > 0 else 0) + noise) + gain
        total = 0
        n = 0
        for i in range(start, stop):
            if label[i] == 0 and counts[i] > WORST and mu - reach <= counts[i] <= mu + reach:
                total += counts[i]
                n += 1
        if n == 0:
            break
        change = total / n - mu
        mu += change
        if -1e-6 < change < 1e-6:
            break
    return mu


def constant_background(const Py_ssize_t[::1] start, const int32_t[::1] counts, const uint8_t[::1] label,
                        Py_ssize_t min_pixels, double gain, double noise, double[::1] mean, double[::1] dispersion,
                        int[::1] n_used, int[::1] n_pixels):
    """Mean background and its index of dispersion for shoeboxes start[i] .. start[i + 1].

    n_pixels counts background pixels, n_used those that are trusted; mean is NaN where they are
    fewer than min_pixels. gain is the variance of counts over their mean and noise that of a readout besides, 1 and
    0 for photon counters. The dispersion, the variance of the pixels that the estimator did not down-weight over what
    these let expect, is 1 for a flat background.
    """
    cdef Py_ssize_t b, i, n, inner
    cdef int v
    cdef double total, mu, limit
    cdef int32_t bins[ALL_BINS]
    with nogil:
        for b in range(start.shape[0] - 1):
            bin_counts(&counts[start[b]], &label[start[b]], start[b + 1] - start[b], bins)
            n = bins[ABOVE] + bins[BELOW]
            total = 0
            for v in range(BINS):
                n += bins[v]
                total += <double>v * bins[v]
            if bins[ABOVE] or bins[BELOW]:
                total = 0
                for i in range(start[b], start[b + 1]):
                    if label[i] == 0 and counts[i] > WORST:
                        total += counts[i]
            n_pixels[b] = <int>n + bins[NO_COUNT]
            n_used[b] = <int>n
            dispersion[b] = 1
            if n < min_pixels:
                mean[b] = NOT_KNOWN
                continue
            if noise > 0 or gain != 1:
                mu = clipped_mean(counts, label, start[b], start[b + 1], total / n, gain, noise)
                mean[b] = mu
                dispersion[b] = dispersion_within(counts, label, start[b], start[b + 1], mu, gain, noise)
                continue
            if total <= 0:
                mean[b] = 0
                continue
            if not bins[BELOW] and from_bins(bins, bins[ABOVE], total, n, min_pixels, &mean[b], &dispersion[b]):
                continue
            mu = robust_mean(counts, label, start[b], start[b + 1], total / n, 1e30, n)
            # Huber's psi is bounded but not redescending: what cannot be background at all (less than one
            # Poisson count in 10**5) still pulls, and is left out of a second fit.
            limit = mu + 6 * sqrt(mu) + 4
            inner = 0
            for i in range(start[b], start[b + 1]):
                if label[i] == 0 and WORST < counts[i] <= limit:
                    inner += 1
            if inner < n and inner >= min_pixels:
                mu = robust_mean(counts, label, start[b], start[b + 1], mu, limit, inner)
            mean[b] = mu
            dispersion[b] = dispersion_within(counts, label, start[b], start[b + 1], mu, 1, 0)
