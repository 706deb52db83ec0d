"""Strong pixels of one image by the index of dispersion, plain and extended."""

from libc.math cimport sqrt

# Counts are clipped at 2**22 in the sums, so that a window of them squared stays far inside an int64.
cdef int CLIP = 1 << 22


cdef inline void shift_rows(const int[:, ::1] image, const unsigned char[:, ::1] good, int lowest, Py_ssize_t row,
                            int sign, Py_ssize_t pad, int* n, long long* x, long long* y) noexcept nogil:
    """Add (sign 1) or take away (sign -1) one row from the sums of each column."""
    cdef Py_ssize_t i
    cdef int use
    cdef long long v
    for i in range(image.shape[1]):
        v = image[row, i]
        use = (good[row, i] != 0) & (v >= lowest)
        v = (CLIP if v > CLIP else v) * use
        n[pad + i] += sign * use
        x[pad + i] += sign * v
        y[pad + i] += sign * v * v


cdef inline void find_dispersed(const int[:, ::1] image, const unsigned char[:, ::1] good, Py_ssize_t kx,
                                Py_ssize_t ky, const double[::1] allowed, const double[::1] readout, bint has_readout,
                                int min_local, int lowest, unsigned char[:, ::1] dispersed, int[::1] column_n,
                                long long[::1] column_x, long long[::1] column_y) noexcept nogil:
    """dispersed = 1 where a pixel's window has an index of dispersion above `allowed` for its size.

    Without readout, counts are not negative and neither is a limit.
    """
    cdef Py_ssize_t h = image.shape[0], w = image.shape[1], i, j, last = 2 * kx
    cdef int n
    cdef long long x, y
    cdef double excess, limit
    for j in range(-ky, h):
        if j + ky < h:
            shift_rows(image, good, lowest, j + ky, 1, kx, &column_n[0], &column_x[0], &column_y[0])
        if j - ky - 1 >= 0:
            shift_rows(image, good, lowest, j - ky - 1, -1, kx, &column_n[0], &column_x[0], &column_y[0])
        if j < 0:
            continue
        n, x, y = 0, 0, 0
        for i in range(last):
            n += column_n[i]
            x += column_x[i]
            y += column_y[i]
        for i in range(w):
            n += column_n[i + last]
            x += column_x[i + last]
            y += column_y[i + last]
            excess = <double>(n * y - x * x)
            limit = allowed[n] * <double>x
            if has_readout:
                excess -= readout[n]
                limit = limit if limit > 0 else 0
            dispersed[j, i] = ((good[j, i] != 0) & (image[j, i] >= lowest) & (n >= min_local)
                               & (excess > limit))
            n -= column_n[i]
            x -= column_x[i]
            y -= column_y[i]


cdef void erode(unsigned char[:, ::1] flag, unsigned char[:, ::1] scratch, Py_ssize_t radius) noexcept nogil:
    """Keep flags whose neighbours within `radius` are all set; there is nothing beyond the edges."""
    cdef Py_ssize_t h = flag.shape[0], w = flag.shape[1], i, j, k, begin, end
    for j in range(h):
        for i in range(w):
            scratch[j, i] = flag[j, i]
        for k in range(1, radius + 1):
            for i in range(w - k):
                scratch[j, i] &= flag[j, i + k]
            for i in range(k, w):
                scratch[j, i] &= flag[j, i - k]
    for j in range(h):
        begin = j - radius if j > radius else 0
        end = j + radius + 1 if j + radius + 1 < h else h
        for i in range(w):
            flag[j, i] = scratch[j, i]
        for k in range(begin, end):
            for i in range(w):
                flag[j, i] &= scratch[k, i]


cdef inline void shift_background(const int[:, ::1] image, const unsigned char[:, ::1] good,
                                  const unsigned char[:, ::1] excluded, int lowest, int overload,
                                  Py_ssize_t row, int sign, Py_ssize_t pad, int* n, long long* x) noexcept nogil:
    """Add or take away one row's pixels that are neither excluded nor overloaded."""
    cdef Py_ssize_t i
    cdef int use, v
    for i in range(image.shape[1]):
        v = image[row, i]
        use = (good[row, i] != 0) & (v >= lowest) & (excluded[row, i] == 0) & (v < overload)
        n[pad + i] += sign * use
        x[pad + i] += sign * use * v


cdef Py_ssize_t select(const int[:, ::1] image, const unsigned char[:, ::1] good, const unsigned char[:, ::1] peak,
                       const unsigned char[:, ::1] excluded, Py_ssize_t kx, Py_ssize_t ky, double gain,
                       double n_sigma, int min_local, double threshold, int lowest, double noise, int overload,
                       int[::1] column_n,
                       long long[::1] column_x, int[::1] index, int[::1] counts,
                       float[::1] background) noexcept nogil:
    """Write the peak pixels well above the mean of their window, and the overloads; how many there are."""
    cdef Py_ssize_t h = image.shape[0], w = image.shape[1], i, j, last = 2 * kx, found = 0, limit = index.shape[0]
    cdef int n, v
    cdef long long x
    cdef double mean, sigma
    for j in range(-ky, h):
        if j + ky < h:
            shift_background(image, good, excluded, lowest, overload, j + ky, 1, kx, &column_n[0], &column_x[0])
        if j - ky - 1 >= 0:
            shift_background(image, good, excluded, lowest, overload, j - ky - 1, -1, kx, &column_n[0], &column_x[0])
        if j < 0:
            continue
        n, x = 0, 0
        for i in range(last):
            n += column_n[i]
            x += column_x[i]
        for i in range(w):
            n += column_n[i + last]
            x += column_x[i + last]
            v = image[j, i]
            if good[j, i] and v >= lowest and (peak[j, i] or v >= overload):
                mean = <double>x / n if n >= min_local and n > 0 else 0.0
                sigma = sqrt(gain * ((mean if mean > 0 else 0.0) + noise))
                if v >= overload or (v > threshold and v >= mean + n_sigma * sigma):
                    if found < limit:
                        index[found] = <int>(j * w + i)
                        counts[found] = v
                        background[found] = <float>mean
                    found += 1
            n -= column_n[i]
            x -= column_x[i]
    return found


def strong_pixels(const int[:, ::1] image, const unsigned char[:, ::1] good, Py_ssize_t kx, Py_ssize_t ky,
                  const double[::1] allowed, const double[::1] readout, double gain, double n_sigma, int min_local,
                  double threshold, int lowest, double noise, int overload, bint extended,
                  unsigned char[:, :, ::1] scratch, int[::1] column_n, long long[:, ::1] column_sums,
                  int[::1] index, int[::1] counts, float[::1] background):
    """Write the strong pixels of an image; returns how many there are, which may exceed len(index).

    scratch[0] and scratch[1] are work space, scratch[1] zero; column_n and column_sums, zero, are as
    wide as the image with 2 (kx + 2) more. allowed[n] is the limit of n sum(v^2) - sum(v)^2 over
    sum(v) for a window of n pixels; readout[n], what the readout adds to n sum(v^2) - sum(v)^2, is taken off first,
    and a negative limit counts as zero. Counts below `lowest` are no counts; `noise` is the variance of the readout
    over the gain.
    """
    cdef Py_ssize_t found
    cdef bint has_readout = lowest != 0 or noise != 0
    with nogil:
        if has_readout:
            find_dispersed(image, good, kx, ky, allowed, readout, True, min_local, lowest, scratch[0], column_n,
                           column_sums[0], column_sums[1])
        else:  # the loop of photon counters, compiled for itself
            find_dispersed(image, good, kx, ky, allowed, readout, False, min_local, 0, scratch[0], column_n,
                           column_sums[0], column_sums[1])
        column_n[:] = 0
        column_sums[0, :] = 0
        if extended:
            erode(scratch[0], scratch[1], min(kx, ky) - 1)
            found = select(image, good, scratch[0], scratch[0], kx + 2, ky + 2, gain, n_sigma, min_local, threshold,
                           lowest, noise, overload, column_n, column_sums[0], index, counts, background)
        else:
            found = select(image, good, scratch[0], scratch[1], kx, ky, gain, n_sigma, min_local, threshold,
                           lowest, noise, overload, column_n, column_sums[0], index, counts, background)
    return found
