"""What strong spots look like on a frame, and the background between them."""

from libc.math cimport ceil, floor, sqrt
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t

cdef extern from "clipped.h" nogil:
    long clipped(double position, long n)

cdef extern from "fetch.h" nogil:
    void fetch(const void* first, const void* last)

cdef extern from "spot_disc.h" nogil:
    ctypedef struct disc:
        long x0, x1, y0, y1, pitch
        double centre_x, centre_y, inner2, outer2, lowest, highest, gain, noise
    ctypedef struct disc_sums:
        double flux, xx, xy, yy
        int32_t is_bad
    long padded(long n)
    void disc_sums_16(const int16_t* image, const uint8_t* trusted, const disc* d, double* ring, double* inside,
                      disc_sums* sums)
    void disc_sums_32(const int32_t* image, const uint8_t* trusted, const disc* d, double* ring, double* inside,
                      disc_sums* sums)

cdef extern from "background_sums.h" nogil:
    void add_pixels_16(const int16_t* image, const uint8_t* trusted, const int32_t* cap, long n, int32_t lowest,
                       int32_t* total, uint16_t* number, uint16_t* n_bright)
    void add_pixels_32(const int32_t* image, const uint8_t* trusted, const int32_t* cap, long n, int32_t lowest,
                       int32_t* total, uint16_t* number, uint16_t* n_bright)
    bint add_small_counts(const int16_t* const* frames, int n_frames, long begin, const uint8_t* trusted,
                          const int32_t* cap, long n, int32_t lowest, int32_t* total, uint16_t* number, uint16_t* n_bright)
    enum:
        STRIP

ctypedef fused count_t:
    int16_t
    int32_t

# Width of the ring around a spot, px.
cdef double RING = 3
# Spots ahead of the one that is looked at whose pixels are asked for.
cdef enum:
    AHEAD = 2
    PIXELS_AHEAD = 64
# Rounds in which the limit of a ring is found; bright pixels are gone after three or four.
cdef enum:
    ROUNDS = 8


cdef inline void about(disc* d, double x, double y, double reach, long n_fast, long n_slow) noexcept nogil:
    """The part of a frame within `reach` of a spot."""
    d.centre_x, d.centre_y = x, y
    d.x0, d.x1 = clipped(floor(x - reach), n_fast), clipped(ceil(x + reach), n_fast)
    d.y0, d.y1 = clipped(floor(y - reach), n_slow), clipped(ceil(y + reach), n_slow)


cdef inline void fetch_disc(const disc* d, const count_t* image, const uint8_t* trusted, const uint8_t* scratch) noexcept nogil:
    """Ask for the pixels about a spot."""
    cdef long y, row
    if d.x0 < d.x1:
        for y in range(d.y0, d.y1):
            row = y * d.pitch
            fetch(&image[row + d.x0], &image[row + d.x1 - 1])
            fetch(&trusted[row + d.x0], &trusted[row + d.x1 - 1])
            fetch(&scratch[row + d.x0], &scratch[row + d.x1 - 1])


cdef Py_ssize_t cover(const disc* d, double reach, unsigned char[:, ::1] scratch, int[::1] covered,
                      Py_ssize_t n_covered) noexcept nogil:
    """Mark the pixels within `reach` of a spot, and list those that were not; how many there are then."""
    cdef int x, y, n_fast = scratch.shape[1]
    cdef double dx, dy
    for y in range(<int>d.y0, <int>d.y1):
        dy = y + 0.5 - d.centre_y
        for x in range(<int>d.x0, <int>d.x1):
            dx = x + 0.5 - d.centre_x
            if dx * dx + dy * dy <= reach * reach and not scratch[y, x]:
                scratch[y, x] = 1
                covered[n_covered] = y * n_fast + x
                n_covered += 1
    return n_covered


def survey_frame(const count_t[:, ::1] image, const unsigned char[:, ::1] trusted, double min_trusted, double max_trusted,
                 double gain, double noise,
                 const double[:, ::1] centre, const double[::1] radius, double[:, ::1] out,
                 unsigned char[:, ::1] scratch, int[::1] covered, double[:, ::1] around):
    """Flux and second moments of spots on one frame, each within a disc, above the ring around it.

    centre : (N, 2) px, radius : (N,) px
    out : (N, 5) flux, valid (1) or not (0), sums of flux x^2, x y and y^2 with x (fast), y (slow) from the centre, px
    covered : filled with the pixels (slow * width + fast) of the discs and what touches them, which are no background
    scratch : (slow, fast) zeros, and so again afterwards
    around : (2, pixels near the largest spot, with some more at the end of each row) work space
    Returns how many pixels are covered.
    """
    cdef Py_ssize_t n, n_covered = 0
    cdef long n_slow = image.shape[0], n_fast = image.shape[1]
    cdef disc d, next
    cdef disc_sums sums
    d.lowest, d.highest, d.gain, d.noise = min_trusted, max_trusted, gain, noise
    d.pitch = next.pitch = n_fast
    with nogil:
        for n in range(centre.shape[0]):
            if n + AHEAD < centre.shape[0]:
                about(&next, centre[n + AHEAD, 0], centre[n + AHEAD, 1], radius[n + AHEAD] + RING, n_fast, n_slow)
                fetch_disc(&next, &image[0, 0], &trusted[0, 0], &scratch[0, 0])
            about(&d, centre[n, 0], centre[n, 1], radius[n] + RING, n_fast, n_slow)
            d.inner2, d.outer2 = radius[n] * radius[n], (radius[n] + RING) * (radius[n] + RING)
            if count_t is int16_t:
                disc_sums_16(&image[0, 0], &trusted[0, 0], &d, &around[0, 0], &around[1, 0], &sums)
            else:
                disc_sums_32(&image[0, 0], &trusted[0, 0], &d, &around[0, 0], &around[1, 0], &sums)
            out[n, 0], out[n, 1] = sums.flux, 0 if sums.is_bad else 1
            out[n, 2], out[n, 3], out[n, 4] = sums.xx, sums.xy, sums.yy
            n_covered = cover(&d, radius[n] + 1, scratch, covered, n_covered)
        for n in range(n_covered):
            scratch[covered[n] // n_fast, covered[n] % n_fast] = 0
    return n_covered


def add_frames(list images, const count_t[:, ::1] first, const uint8_t[:, ::1] trusted, const int32_t[:, ::1] cap,
               int lowest, int32_t[:, ::1] total, uint16_t[:, ::1] number, uint16_t[:, ::1] n_bright):
    """Add frames of one type, of which `first` is the first: see ADD_PIXELS."""
    cdef const count_t[:, ::1] image
    cdef const count_t* frame[64]
    cdef int n_frames = 0, k
    cdef Py_ssize_t size = first.shape[0] * first.shape[1], begin, n
    for image in images:
        frame[n_frames] = &image[0, 0]
        n_frames += 1
    with nogil:
        begin = 0
        while begin < size:
            n = min(<Py_ssize_t>STRIP, size - begin)
            if count_t is int16_t:
                if add_small_counts(frame, n_frames, begin, &trusted[0, 0] + begin, &cap[0, 0] + begin, n, lowest,
                                    &total[0, 0] + begin, &number[0, 0] + begin, &n_bright[0, 0] + begin):
                    begin += n
                    continue
            for k in range(n_frames):
                if count_t is int16_t:
                    add_pixels_16(frame[k] + begin, &trusted[0, 0] + begin, &cap[0, 0] + begin, n, lowest,
                                  &total[0, 0] + begin, &number[0, 0] + begin, &n_bright[0, 0] + begin)
                else:
                    add_pixels_32(frame[k] + begin, &trusted[0, 0] + begin, &cap[0, 0] + begin, n, lowest,
                                  &total[0, 0] + begin, &number[0, 0] + begin, &n_bright[0, 0] + begin)
            begin += n


def spread_limits(const int32_t[:, ::1] ring, const int32_t[::1] limit, int32_t[:, ::1] cap):
    """Give every pixel the limit of its ring."""
    cdef Py_ssize_t i, size = ring.shape[0] * ring.shape[1]
    cdef const int32_t* own
    cdef const int32_t* of_ring
    cdef int32_t* to
    if size == 0:
        return
    own, of_ring, to = &ring[0, 0], &limit[0], &cap[0, 0]
    with nogil:
        for i in range(size):
            to[i] = of_ring[own[i]]


def take_away(const count_t[:, ::1] image, const int[::1] covered, const uint8_t[:, ::1] trusted,
              const int32_t[:, ::1] cap, int lowest, int32_t[:, ::1] total, uint16_t[:, ::1] number):
    """Take the covered pixels of a frame that was added out of the sums of background."""
    cdef Py_ssize_t n, at, size = covered.shape[0]
    cdef int value
    cdef const count_t* counts = &image[0, 0]
    cdef const uint8_t* good = &trusted[0, 0]
    cdef const int32_t* most = &cap[0, 0]
    cdef int32_t* sums = &total[0, 0]
    cdef uint16_t* frames = &number[0, 0]
    with nogil:
        for n in range(size):
            if n + PIXELS_AHEAD < size:
                at = covered[n + PIXELS_AHEAD]
                fetch(&counts[at], &good[at])
                fetch(&most[at], &sums[at])
                fetch(&frames[at], &frames[at])
            at = covered[n]
            value = counts[at]
            if good[at] and lowest <= value <= most[at]:
                # which wrap, as C's int must not
                sums[at] = <int32_t>(<unsigned int>sums[at] - <unsigned int>value)
                frames[at] = <uint16_t>(<unsigned int>frames[at] - 1)


def ring_limits(const count_t[::1] image, const int32_t[::1] pixels, const int32_t[::1] place, const Py_ssize_t[::1] start,
                double min_trusted, double gain, double noise, int32_t[::1] values, double[::1] limit):
    """Counts above which a pixel of each ring is not background: see kernels.integrate_survey.Rings.limits.

    pixels : in order of their place in memory; place : of each among `values`, those of ring r from start[r] to start[r + 1]
    values : work space, as long as pixels
    """
    cdef Py_ssize_t r, i, first, n, kept, round
    cdef double total, high
    cdef int32_t value
    with nogil:
        for i in range(pixels.shape[0]):
            values[place[i]] = image[pixels[i]]
        for r in range(limit.shape[0]):
            first = start[r]
            n = 0
            for i in range(first, start[r + 1]):
                value = values[i]
                if value >= min_trusted:
                    values[first + n] = value
                    n += 1
            for round in range(ROUNDS):
                total = 0
                for i in range(n):
                    total += values[first + i]
                high = 2 * total / n if n > 0 else 0.0
                if high < 0:
                    high = 0
                limit[r] = high + 4 * sqrt(gain * high + noise) + 2 * gain
                kept = 0
                for i in range(n):
                    if values[first + i] <= limit[r]:
                        values[first + kept] = values[first + i]
                        kept += 1
                if kept == n:
                    break
                n = kept
