"""Strong pixels of one image by the index of dispersion, plain and extended.

Most windows of a faint image hold no count that could make them dispersed, and are not looked at. Of the others, sums in
32 bits and a comparison in single precision tell for many pixels at a time which hold background (window_sums.h). What
may be more is looked at again, exactly, and only there are pixels compared with their background.
"""

from libc.math cimport sqrt
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stddef cimport size_t
from libc.string cimport memcpy, memset

cdef extern from "rows_of_bits.h" nogil:
    enum:
        WORD
    int lowest_bit(uint64_t word)
    uint8_t see_row_16(const int16_t* row, long width, int16_t dull, int16_t high, int16_t overload, uint64_t* bits)
    uint8_t see_row_32(const int32_t* row, long width, int32_t dull, int32_t high, int32_t overload, uint64_t* bits)
    void near_row(const uint64_t* rows, long n, long n_words, long width, int reach, uint64_t* near)
    void core_row(const uint64_t* rows, long n, long n_words, long width, int reach, uint64_t* core)

cdef extern from "window_sums.h" nogil:
    enum:
        SEGMENT
        MARGIN
        NUMBERS
    ctypedef struct image_t:
        const void* counts
        const uint64_t* good
        const uint8_t* is_high
        long height, width, n_words
        bint is_wide
        int32_t lowest

    ctypedef struct sums_t:
        int32_t *xn
        int32_t *y
        int32_t *row
        int32_t *window_xn
        int32_t *window_y

    ctypedef struct window_t:
        long kx, ky
        int32_t clip, most
        float allowed_0, allowed_1, readout_0, readout_1

    ctypedef struct background_t:
        int32_t *n
        int32_t *row
        int64_t *x
        long half

    int32_t count_at(const image_t* image, long place)
    bint is_good_at(const image_t* image, long row, long column)
    bint screen_row(const image_t* image, const window_t* window, const sums_t* sums, long row, const uint64_t* near,
                    uint64_t* suspicious)
    void centre_background(const image_t* image, const uint64_t* excluded, int32_t overload,
                           const background_t* background, long row, long begin, long end)
    void add_overloads(const image_t* image, int32_t overload, long row, uint64_t* bits)

ctypedef fused count_t:
    int16_t
    int32_t

# Counts are clipped at 2**22 in the exact sums, so that a window of them squared stays far inside an int64.
cdef int CLIP = 1 << 22

# Of a row: a count may have to be cut in the sums; one may be an overload.
cdef uint8_t IS_HIGH = 1
cdef uint8_t HAS_OVERLOAD = 2

PIXELS_OF_WORD, COLUMNS_OF_SEGMENT, COLUMNS_OF_MARGIN = WORD, SEGMENT, MARGIN


cdef struct Limits:
    int overload, min_local, dull
    bint has_readout
    double gain, n_sigma, threshold, noise
    const double* allowed
    const double* readout


cdef struct Sums:
    int n
    int64_t x, y


cdef inline bint is_dispersed(const Sums* sums, const Limits* p) noexcept nogil:
    cdef double excess = <double>(sums.n * sums.y - sums.x * sums.x)
    cdef double limit = p.allowed[sums.n] * <double>sums.x
    if p.has_readout:
        excess -= p.readout[sums.n]
        limit = limit if limit > 0 else 0
    return sums.n >= p.min_local and excess > limit


cdef Sums exact_sums(const image_t* image, const window_t* window, long j, long i) noexcept nogil:
    """The sums of the window of a pixel, by its counts."""
    cdef Sums sums
    cdef int64_t v
    cdef long row, column
    sums.n, sums.x, sums.y = 0, 0, 0
    for row in range(max(0, j - window.ky), min(image.height, j + window.ky + 1)):
        for column in range(max(0, i - window.kx), min(image.width, i + window.kx + 1)):
            v = count_at(image, row * image.width + column)
            if is_good_at(image, row, column):
                v = CLIP if v > CLIP else -CLIP if v < -CLIP else v
                sums.n += 1
                sums.x += v
                sums.y += v * v
    return sums


cdef void judge_row(const image_t* image, const window_t* window, const Limits* p, const sums_t* sums, long j,
                    uint64_t* bits) noexcept nogil:
    """Keep the bits of a row's pixels whose windows are dispersed: by their sums, or where a count may have been cut by
    the counts."""
    cdef uint64_t left
    cdef Sums own
    cdef long k, i
    for k in range(image.n_words):
        left = bits[k]
        while left:
            i = k * WORD + lowest_bit(left)
            own.n, own.y = sums.window_xn[i] & (NUMBERS - 1), sums.window_y[i]
            own.x = (sums.window_xn[i] - own.n) // NUMBERS
            if own.y >= window.most:
                own = exact_sums(image, window, j, i)
            if not is_dispersed(&own, p):
                bits[k] ^= left & (0 - left)
            left &= left - 1


cdef uint8_t see(const image_t* image, int clip, const Limits* p, long j, uint64_t* bright) noexcept nogil:
    """Set the bits of a row's pixels that could make a window dispersed, or that are to be cut or overloads; whether one
    may be, as IS_HIGH and HAS_OVERLOAD."""
    cdef int least = -0x8000, most = 0x7FFF  # of 16 bits
    cdef int dull = min(p.dull, p.overload - 1, clip)
    cdef uint8_t found
    if image.is_wide:
        found = see_row_32(<const int32_t*>image.counts + j * image.width, image.width, dull, clip, p.overload, bright)
    else:
        found = see_row_16(<const int16_t*>image.counts + j * image.width, image.width,
                           <int16_t>max(least, min(most, dull)), <int16_t>min(most, clip),
                           <int16_t>max(least, min(most, p.overload)), bright)
        if p.overload <= least:
            found |= HAS_OVERLOAD
    if p.has_readout:  # counts below 0, or a limit that is not one of their sum
        memset(bright, 0xFF, <size_t>image.n_words * sizeof(uint64_t))
    return found | (IS_HIGH if image.lowest < -clip else 0)


cdef void find_dispersed(const image_t* image, const window_t* window, const Limits* p, const sums_t* sums, long j,
                         const uint64_t* bright, uint64_t* near, uint64_t* dispersed) noexcept nogil:
    """Set the bits of a row's pixels whose window has an index of dispersion above what is allowed for its size."""
    cdef long first = max(0, j - window.ky), last = min(image.height, j + window.ky + 1), n = image.n_words
    near_row(bright + first * n, last - first, n, image.width, <int>window.kx, near)
    if screen_row(image, window, sums, j, near, dispersed + j * n):
        judge_row(image, window, p, sums, j, dispersed + j * n)


cdef void mark_core(const image_t* image, long radius, long j, const uint64_t* dispersed, uint64_t* core) noexcept nogil:
    """Set the bits of a row's pixels whose neighbours within `radius` are all dispersed; there is nothing beyond the
    edges."""
    cdef long first = max(0, j - radius), last = min(image.height, j + radius + 1), n = image.n_words
    core_row(dispersed + first * n, last - first, n, image.width, <int>radius, core + j * n)


cdef inline long run_end(const uint64_t* bits, long i, long width) noexcept nogil:
    """The first pixel from i on whose bit is not set, or the width."""
    while i < width and bits[i // WORD] >> (i % WORD) & 1:
        i += 1
    return i


cdef struct Around:
    # The background of columns; of the window about a pixel how many pixels it has and the sum of their counts. How far
    # it reaches; the pixel, and the first beyond it to which the window may move.
    background_t columns
    int n
    int64_t x
    long half, at, end


cdef inline void add_column(Around* around, long column, long width, int sign) noexcept nogil:
    if 0 <= column < width:
        around.n += sign * around.columns.n[column]
        around.x += sign * around.columns.x[column]


cdef void look_around(const image_t* image, const uint64_t* peak, const uint64_t* excluded, int overload, long j, long i,
                      Around* around) noexcept nogil:
    """Have the window about a pixel of row j, which moves on along a run of peak pixels."""
    cdef long k, begin
    if i >= around.end:
        around.end = run_end(peak, i, image.width)
        begin = max(0, i - around.half)
        centre_background(image, excluded, overload, &around.columns, j, begin, min(image.width, around.end + around.half))
        around.n, around.x, around.at = 0, 0, i
        for k in range(begin, i + around.half + 1):
            add_column(around, k, image.width, 1)
    while around.at < i:
        add_column(around, around.at - around.half, image.width, -1)
        around.at += 1
        add_column(around, around.at + around.half, image.width, 1)


cdef struct Strong:
    # As many as there are, and those for which there is room.
    int* index
    int* counts
    float* background
    Py_ssize_t n, room


cdef void select(const image_t* image, const Limits* p, long j, const uint64_t* peak, const uint64_t* excluded,
                 Around* around, Strong* strong) noexcept nogil:
    """Add a row's peak pixels well above the mean of their window, and its overloads."""
    cdef long k, i
    cdef uint64_t left
    cdef double mean, sigma
    cdef int v
    peak += j * image.n_words
    around.end = -1
    for k in range(image.n_words):
        left = peak[k]
        while left:
            i = k * WORD + lowest_bit(left)
            left &= left - 1
            v = count_at(image, j * image.width + i)
            if v < p.overload and not v > p.threshold:
                continue
            look_around(image, peak, excluded, p.overload, j, i, around)
            mean = <double>around.x / around.n if around.n >= max(1, p.min_local) else 0.0
            sigma = sqrt(p.gain * ((mean if mean > 0 else 0.0) + p.noise))
            if v >= p.overload or v >= mean + p.n_sigma * sigma:
                if strong.n < strong.room:
                    strong.index[strong.n] = <int>(j * image.width + i)
                    strong.counts[strong.n] = v
                    strong.background[strong.n] = <float>mean
                strong.n += 1


cdef void search(const image_t* image, const window_t* window, const Limits* p, const sums_t* sums, bint extended,
                 Around* around, uint64_t* bright, uint64_t* near, uint64_t* dispersed, uint8_t* seen,
                 Strong* strong) noexcept nogil:
    """Each step follows the one before by as many rows as it looks ahead, so that all find their rows in the cache."""
    cdef long h = image.height, ky = window.ky, radius = min(window.kx, ky) - 1
    cdef long reach = around.columns.half, j, row
    cdef uint64_t* peak = bright if extended else dispersed
    for j in range((image.width + SEGMENT - 1) // SEGMENT):
        sums.row[j] = around.columns.row[j] = -2
    for row in range(h + 2 * ky + reach):
        if row < h:
            seen[row] = see(image, window.clip, p, row, bright + row * image.n_words)
        j = row - ky
        if 0 <= j < h:
            find_dispersed(image, window, p, sums, j, bright, near, dispersed)
        j -= ky  # above all windows that are still to come: what was bright there is not asked for any more
        if 0 <= j < h:
            if extended:
                mark_core(image, radius, j, dispersed, peak)
            if seen[j] & HAS_OVERLOAD:
                add_overloads(image, p.overload, j, peak + j * image.n_words)
        j -= reach
        if 0 <= j < h:
            select(image, p, j, peak, peak if extended else NULL, around, strong)


def strong_pixels(const count_t[:, ::1] image, const uint64_t[:, ::1] good, Py_ssize_t kx, Py_ssize_t ky,
                  const double[::1] allowed, const double[::1] readout, const float[::1] bounds, double gain,
                  double n_sigma, int min_local, double threshold, int lowest, double noise, int overload, int clip,
                  int dull, bint extended, uint64_t[:, :, ::1] bits, uint64_t[::1] near, uint8_t[::1] seen,
                  int32_t[:, ::1] columns, int32_t[:, ::1] windows, int32_t[:, ::1] rows, int32_t[::1] background_n,
                  int64_t[::1] background_x, int[::1] index, int[::1] counts, float[::1] background):
    """Write the strong pixels of an image; returns how many there are, which may exceed len(index).

    allowed[n] is the limit of n sum(v^2) - sum(v)^2 over sum(v) for a window of n pixels; readout[n], what the readout
    adds to n sum(v^2) - sum(v)^2, is taken off first, and a negative limit counts as zero. bounds are allowed_0,
    allowed_1, readout_0, readout_1, with which allowed[n] >= allowed_0 + allowed_1 n and
    readout[n] >= (readout_0 + readout_1 n) n for every n from min_local on. Counts below `lowest` are no counts; `noise`
    is the variance of the readout over the gain. A window of `clip` squared is within 32 bits. No window without a
    count above `dull` is dispersed.
    good: the bits of each row's pixels, in words of PIXELS_OF_WORD, of which the first pixel is the lowest.
    Work space: bits (2, height, width in words), near (a row of these), seen (height); columns, zeros,
    (2, S + 2 COLUMNS_OF_MARGIN) and windows (2, S), where S is the width in whole segments of COLUMNS_OF_SEGMENT, and
    rows (2, segments); background_n and background_x (S).
    """
    cdef image_t pixels
    cdef window_t window
    cdef Limits p
    cdef sums_t sums
    cdef Around around
    cdef Strong strong
    if image.shape[0] == 0 or image.shape[1] == 0:
        return 0
    pixels.counts, pixels.good, pixels.height, pixels.width = &image[0, 0], &good[0, 0], image.shape[0], image.shape[1]
    pixels.is_high, pixels.n_words, pixels.is_wide, pixels.lowest = &seen[0], good.shape[1], count_t is int32_t, lowest
    window.kx, window.ky, window.clip, window.most = kx, ky, clip, clip * clip
    window.allowed_0, window.allowed_1, window.readout_0, window.readout_1 = bounds[0], bounds[1], bounds[2], bounds[3]
    p.overload, p.min_local, p.dull, p.has_readout = overload, min_local, dull, lowest != 0 or noise != 0
    p.gain, p.n_sigma, p.threshold, p.noise = gain, n_sigma, threshold, noise
    p.allowed, p.readout = &allowed[0], &readout[0]
    sums.xn, sums.y, sums.row = &columns[0, 0], &columns[1, 0], &rows[0, 0]
    sums.window_xn, sums.window_y = &windows[0, 0], &windows[1, 0]
    around.columns.n, around.columns.row, around.columns.x = &background_n[0], &rows[1, 0], &background_x[0]
    around.half, around.columns.half = (kx + 2, ky + 2) if extended else (kx, ky)
    strong.n, strong.room = 0, index.shape[0]
    if strong.room:
        strong.index, strong.counts, strong.background = &index[0], &counts[0], &background[0]
    with nogil:
        search(&pixels, &window, &p, &sums, extended, &around, &bits[0, 0, 0], &near[0], &bits[1, 0, 0], &seen[0],
               &strong)
    return strong.n
