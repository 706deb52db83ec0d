"""Strong pixels of one image by the index of dispersion, plain and extended.

Nearly every window of an image holds background, which sums in 32 bits and a comparison in single precision tell for
many pixels at a time (window_sums.h). What may be more is looked at again, exactly, and only there are pixels compared
with their background.
"""

from libc.math cimport sqrt
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

cdef extern from "window_sums.h" nogil:
    enum:
        SEGMENT
    void see_row_16(const int16_t* row, int w, int16_t dull, uint8_t* seen)
    void see_row_32(const int32_t* row, int w, int32_t dull, uint8_t* seen)
    bint add_row_16(const int16_t* row, const uint8_t* good, int w, int32_t lowest, int32_t overload, int32_t clip,
                    int32_t* value, uint8_t* use, int32_t* n, int32_t* x, int32_t* y)
    bint add_row_32(const int32_t* row, const uint8_t* good, int w, int32_t lowest, int32_t overload, int32_t clip,
                    int32_t* value, uint8_t* use, int32_t* n, int32_t* x, int32_t* y)
    void count_segments(const uint8_t* came, const uint8_t* went, int n, uint8_t* often, uint8_t* near)
    bint core_row(const uint8_t* rows, int n, int stride, int w, int radius, uint8_t* whole, uint8_t* core)
    ctypedef struct suspicion:
        float allowed_0, allowed_1, readout_0, readout_1
        int32_t most

    bint screen_row(const int32_t* n, const int32_t* x, const int32_t* y, const uint8_t* use, int w, int size,
                    suspicion s, uint8_t* flag)

ctypedef fused count_t:
    int16_t
    int32_t

# Counts are clipped at 2**22 in the exact sums, so that a window of them squared stays far inside an int64.
cdef int CLIP = 1 << 22

# Of a pixel's flag: its window is dispersed; it is of the core of such an area.
cdef uint8_t DISPERSED = 1
cdef uint8_t CORE = 2

SEGMENT_WIDTH = SEGMENT


cdef struct Limits:
    Py_ssize_t kx, ky
    int lowest, overload, min_local
    int clip, dull
    bint has_readout
    double gain, n_sigma, threshold, noise
    suspicion screen


cdef struct Sums:
    int n
    int64_t x, y


cdef inline bint is_dispersed(const Sums* window, const Limits* p, const double[::1] allowed,
                              const double[::1] readout) noexcept nogil:
    cdef double excess = <double>(window.n * window.y - window.x * window.x)
    cdef double limit = allowed[window.n] * <double>window.x
    if p.has_readout:
        excess -= readout[window.n]
        limit = limit if limit > 0 else 0
    return window.n >= p.min_local and excess > limit


cdef inline Sums exact_sums(const count_t[:, ::1] image, const uint8_t[:, ::1] good, Py_ssize_t j, Py_ssize_t i,
                            const Limits* p) noexcept nogil:
    """The sums of the window of a pixel, by its counts."""
    cdef Sums window
    cdef int64_t v
    cdef Py_ssize_t row, column
    window.n, window.x, window.y = 0, 0, 0
    for row in range(max(0, j - p.ky), min(image.shape[0], j + p.ky + 1)):
        for column in range(max(0, i - p.kx), min(image.shape[1], i + p.kx + 1)):
            v = image[row, column]
            if good[row, column] and v >= p.lowest:
                v = CLIP if v > CLIP else -CLIP if v < -CLIP else v
                window.n += 1
                window.x += v
                window.y += v * v
    return window


cdef void judge_row(const count_t[:, ::1] image, const uint8_t[:, ::1] good, Py_ssize_t j, const Limits* p,
                    const int32_t* n, const int32_t* x, const int32_t* y, const double[::1] allowed,
                    const double[::1] readout, uint8_t* flag) noexcept nogil:
    """Keep the flags of a row's pixels whose windows are dispersed: by the columns' sums, or where a count may have been
    cut by the counts."""
    cdef Py_ssize_t w = image.shape[1], i, k, last = -2, size = 2 * p.kx + 1
    cdef Sums window, whole
    i = next_flag(flag, 0, w)
    while i < w:
        if last == i - 1:
            window.n += n[last + size] - n[last]
            window.x += x[last + size] - x[last]
            window.y += y[last + size] - y[last]
        else:
            window.n, window.x, window.y = 0, 0, 0
            for k in range(i, i + size):
                window.n += n[k]
                window.x += x[k]
                window.y += y[k]
        last = i
        if window.y >= <int64_t>p.clip * p.clip:
            whole = exact_sums(image, good, j, i, p)
            flag[i] = is_dispersed(&whole, p, allowed, readout)
        else:
            flag[i] = is_dispersed(&window, p, allowed, readout)
        i = next_flag(flag, i + 1, w)


cdef inline Py_ssize_t next_flag(const uint8_t* flag, Py_ssize_t i, Py_ssize_t w) noexcept nogil:
    """The first flagged column from i on, or w."""
    cdef uint64_t eight
    while i < w:
        if i + 8 <= w:
            memcpy(&eight, flag + i, 8)
            if eight == 0:
                i += 8
                continue
        if flag[i]:
            return i
        i += 1
    return w


cdef struct Segments:
    # Of each row of a window and each SEGMENT of its columns, whether a count was above `dull`; a row of what it was
    # before, of how many of them were, and of whether this, or the next to it, was in any.
    uint8_t* seen
    uint8_t* before
    uint8_t* often
    uint8_t* near
    int n


cdef bint screen_segments(const int32_t* n, const int32_t* x, const int32_t* y, const uint8_t* use, Py_ssize_t w,
                          const Limits* p, const Segments* segments, uint8_t* flag) noexcept nogil:
    """Flag a row's pixels whose windows may be dispersed: only where a count is that could make one so."""
    cdef int first, last
    cdef Py_ssize_t begin, end
    cdef bint any_flag = False
    memset(flag, 0, w)
    last = 0
    while last < segments.n:
        first = last
        while first < segments.n and not segments.near[first]:
            first += 1
        last = first
        while last < segments.n and segments.near[last]:
            last += 1
        begin, end = first * SEGMENT, min(w, <Py_ssize_t>(last * SEGMENT))
        if begin < end and screen_row(n + begin, x + begin, y + begin, use + begin, <int>(end - begin),
                                      <int>(2 * p.kx + 1), p.screen, flag + begin):
            any_flag = True
    return any_flag


cdef void find_dispersed(const count_t[:, ::1] image, const uint8_t[:, ::1] good, const Limits* p,
                         const double[::1] allowed, const double[::1] readout, int32_t[:, ::1] value,
                         uint8_t[:, ::1] use, int32_t[:, ::1] sums, uint8_t[:, ::1] flag,
                         uint8_t[::1] has_overload, uint8_t[:, ::1] seen) noexcept nogil:
    """Set flag to DISPERSED where a pixel's window has an index of dispersion above `allowed` for its size, else to 0."""
    cdef Py_ssize_t h = image.shape[0], w = image.shape[1], i, j, row, height = 2 * p.ky + 1
    cdef int32_t* n = &sums[0, 0]
    cdef int32_t* x = &sums[1, 0]
    cdef int32_t* y = &sums[2, 0]
    cdef bint any_overload
    cdef Segments segments
    segments.n = <int>((w + SEGMENT - 1) // SEGMENT)
    segments.before, segments.often, segments.near = &seen[height, 0], &seen[height + 1, 0], &seen[height + 2, 0]
    memset(&seen[0, 0], 0, seen.shape[0] * seen.shape[1])
    memset(&value[0, 0], 0, height * w * sizeof(int32_t))
    memset(&use[0, 0], 0, height * w)
    memset(n, 0, 3 * sums.shape[1] * sizeof(int32_t))
    for row in range(h + p.ky):
        i = row % height
        segments.seen = &seen[i, 0]
        memcpy(segments.before, segments.seen, segments.n)
        if row < h:
            if count_t is int16_t:
                any_overload = add_row_16(&image[row, 0], &good[row, 0], <int>w, p.lowest, p.overload, p.clip,
                                          &value[i, 0], &use[i, 0], n + p.kx, x + p.kx, y + p.kx)
                see_row_16(&image[row, 0], <int>w, <int16_t>min(0x7FFF, p.dull), segments.seen)
            else:
                any_overload = add_row_32(&image[row, 0], &good[row, 0], <int>w, p.lowest, p.overload, p.clip,
                                          &value[i, 0], &use[i, 0], n + p.kx, x + p.kx, y + p.kx)
                see_row_32(&image[row, 0], <int>w, p.dull, segments.seen)
            has_overload[row] = any_overload
            if p.has_readout:  # counts below 0, or a limit that is not one of their sum
                memset(segments.seen, 1, segments.n)
        else:
            drop_row(&value[i, 0], &use[i, 0], w, n + p.kx, x + p.kx, y + p.kx)
            memset(segments.seen, 0, segments.n)
        count_segments(segments.seen, segments.before, segments.n, segments.often, segments.near)
        j = row - p.ky
        if j >= 0 and screen_segments(n, x, y, &use[j % height, 0], w, p, &segments, &flag[j, 0]):
            judge_row(image, good, j, p, n, x, y, allowed, readout, &flag[j, 0])


cdef inline void drop_row(int32_t* value, uint8_t* use, Py_ssize_t w, int32_t* n, int32_t* x,
                          int32_t* y) noexcept nogil:
    """Take a row that leaves the window at the image's end from the sums."""
    cdef Py_ssize_t i
    for i in range(w):
        n[i] -= use[i]
        x[i] -= value[i]
        y[i] -= value[i] * value[i]
        value[i] = 0
        use[i] = 0


cdef void mark_core(uint8_t[:, ::1] flag, Py_ssize_t radius, uint8_t[:, ::1] scratch) noexcept nogil:
    """Add CORE to flags whose neighbours within `radius` are all dispersed; there is nothing beyond the edges."""
    cdef Py_ssize_t h = flag.shape[0], w = flag.shape[1], i, j, begin, end
    for j in range(h):
        begin, end = max(0, j - radius), min(h, j + radius + 1)
        if not core_row(&flag[begin, 0], <int>(end - begin), <int>w, <int>w, <int>radius, &scratch[0, 0], &scratch[1, 0]):
            continue
        i = next_flag(&scratch[1, 0], 0, w)
        while i < w:
            flag[j, i] |= CORE
            i = next_flag(&scratch[1, 0], i + 1, w)


cdef inline void add_column(const count_t[:, ::1] image, const uint8_t[:, ::1] good, const uint8_t[:, ::1] flag,
                            uint8_t excluded, const Limits* p, Py_ssize_t j, Py_ssize_t half, Py_ssize_t column, int sign,
                            int* n, int64_t* x) noexcept nogil:
    """Add or take away the pixels of a column, within `half` of row j, that are neither excluded nor overloaded."""
    cdef Py_ssize_t row
    cdef int v
    if column < 0 or column >= image.shape[1]:
        return
    for row in range(max(0, j - half), min(image.shape[0], j + half + 1)):
        v = image[row, column]
        if good[row, column] and v >= p.lowest and v < p.overload and not flag[row, column] & excluded:
            n[0] += sign
            x[0] += sign * v


cdef Py_ssize_t select(const count_t[:, ::1] image, const uint8_t[:, ::1] good, const uint8_t[:, ::1] flag,
                       const uint8_t[::1] has_overload, uint8_t peak, uint8_t excluded, Py_ssize_t kx, Py_ssize_t ky,
                       const Limits* p, int[::1] index, int[::1] counts, float[::1] background) noexcept nogil:
    """Write the peak pixels well above the mean of their window, and the overloads; how many there are."""
    cdef Py_ssize_t h = image.shape[0], w = image.shape[1], i, j, k, last, found = 0, limit = index.shape[0]
    cdef int n = 0, v
    cdef int64_t x = 0
    cdef double mean, sigma
    for j in range(h):
        last = -2
        i = 0
        while True:
            if not has_overload[j]:
                i = next_flag(&flag[j, 0], i, w)
            if i >= w:
                break
            v = image[j, i]
            if good[j, i] and v >= p.lowest and (flag[j, i] & peak or v >= p.overload):
                if last == i - 1:  # the window moves on by a column
                    add_column(image, good, flag, excluded, p, j, ky, last - kx, -1, &n, &x)
                    add_column(image, good, flag, excluded, p, j, ky, i + kx, 1, &n, &x)
                else:
                    n, x = 0, 0
                    for k in range(i - kx, i + kx + 1):
                        add_column(image, good, flag, excluded, p, j, ky, k, 1, &n, &x)
                last = i
                mean = <double>x / n if n >= p.min_local and n > 0 else 0.0
                sigma = sqrt(p.gain * ((mean if mean > 0 else 0.0) + p.noise))
                if v >= p.overload or (v > p.threshold and v >= mean + p.n_sigma * sigma):
                    if found < limit:
                        index[found] = <int>(j * w + i)
                        counts[found] = v
                        background[found] = <float>mean
                    found += 1
            i += 1
    return found


def strong_pixels(const count_t[:, ::1] image, const uint8_t[:, ::1] good, Py_ssize_t kx, Py_ssize_t ky,
                  const double[::1] allowed, const double[::1] readout, const float[::1] bounds, double gain,
                  double n_sigma, int min_local, double threshold, int lowest, double noise, int overload, int clip,
                  int dull, bint extended, int32_t[:, ::1] value, uint8_t[:, ::1] use, int32_t[:, ::1] sums, uint8_t[:, ::1] flag,
                  uint8_t[::1] has_overload, uint8_t[:, ::1] scratch, uint8_t[:, ::1] seen, int[::1] index,
                  int[::1] counts, float[::1] background):
    """Write the strong pixels of an image; returns how many there are, which may exceed len(index).

    allowed[n] is the limit of n sum(v^2) - sum(v)^2 over sum(v) for a window of n pixels; readout[n], what the readout
    adds to n sum(v^2) - sum(v)^2, is taken off first, and a negative limit counts as zero. bounds are allowed_0,
    allowed_1, readout_0, readout_1, with which allowed[n] >= allowed_0 + allowed_1 n and
    readout[n] >= (readout_0 + readout_1 n) n for every n from min_local on. Counts below `lowest` are no counts; `noise`
    is the variance of the readout over the gain. A window of `clip` squared is within 32 bits. No window without a
    count above `dull` is dispersed.
    Work space: value and use (2 ky + 1, width), sums (3, width + 2 kx), flag (height, width), has_overload (height),
    scratch (2, width + 2 kx), seen (2 ky + 4, 2 + the width in segments of SEGMENT_WIDTH, rounded up).
    """
    cdef Limits p
    cdef Py_ssize_t found
    if image.shape[0] == 0 or image.shape[1] == 0:
        return 0
    p.kx, p.ky, p.lowest, p.overload, p.min_local, p.clip = kx, ky, lowest, overload, min_local, clip
    p.dull = dull
    p.has_readout = lowest != 0 or noise != 0
    p.gain, p.n_sigma, p.threshold, p.noise = gain, n_sigma, threshold, noise
    p.screen.allowed_0, p.screen.allowed_1 = bounds[0], bounds[1]
    p.screen.readout_0, p.screen.readout_1 = bounds[2], bounds[3]
    p.screen.most = clip * clip
    with nogil:
        find_dispersed(image, good, &p, allowed, readout, value, use, sums, flag, has_overload, seen)
        if extended:
            mark_core(flag, min(kx, ky) - 1, scratch)
            found = select(image, good, flag, has_overload, CORE, CORE, kx + 2, ky + 2, &p, index, counts, background)
        else:
            found = select(image, good, flag, has_overload, DISPERSED, 0, kx, ky, &p, index, counts, background)
    return found
