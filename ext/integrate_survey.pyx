"""What strong spots look like on a frame, and the background between them."""

from libc.math cimport ceil, floor, sqrt
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t

cdef extern from "clipped.h" nogil:
    long clipped(double position, long n)

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

# Rounds in which the limit of a ring is found; bright pixels are gone after three or four.
cdef enum:
    ROUNDS = 8


def survey_frame(const count_t[:, ::1] image, const unsigned char[:, ::1] trusted, double min_trusted, double max_trusted,
                 double gain, double noise,
                 const double[:, ::1] centre, const double[::1] radius, double[:, ::1] out,
                 unsigned char[:, ::1] scratch, int[::1] covered, double[::1] around):
    """Flux and second moments of spots on one frame, each within a disc, above the ring around it.

    centre : (N, 2) px, radius : (N,) px
    out : (N, 5) flux, valid (1) or not (0), sums of flux x^2, x y and y^2 with x (fast), y (slow) from the centre, px
    covered : filled with the pixels (slow * width + fast) of the discs and what touches them, which are no background
    scratch : (slow, fast) zeros, and so again afterwards; around : work space for the pixels near the largest spot
    Returns how many pixels are covered.
    """
    cdef Py_ssize_t n, k, n_around, n_covered = 0
    cdef int x, y, x0, x1, y0, y1, step, n_ring
    cdef int n_slow = image.shape[0], n_fast = image.shape[1]
    cdef double dx, dy, r2, inner, outer, total, mean, limit, flux, xx, xy, yy, c
    cdef bint bad
    with nogil:
        for n in range(centre.shape[0]):
            inner = radius[n]
            outer = inner + 3
            x0 = <int>clipped(floor(centre[n, 0] - outer), n_fast)
            x1 = <int>clipped(ceil(centre[n, 0] + outer), n_fast)
            y0 = <int>clipped(floor(centre[n, 1] - outer), n_slow)
            y1 = <int>clipped(ceil(centre[n, 1] + outer), n_slow)
            n_around = 0
            for y in range(y0, y1):
                dy = y + 0.5 - centre[n, 1]
                for x in range(x0, x1):
                    dx = x + 0.5 - centre[n, 0]
                    r2 = dx * dx + dy * dy
                    if inner * inner <= r2 <= outer * outer and trusted[y, x] and image[y, x] >= min_trusted:
                        around[n_around] = image[y, x]
                        n_around += 1
            mean = 0
            for step in range(3):
                limit = mean + 3 * sqrt(gain * (mean if mean > 0 else 0) + noise) + gain if step > 0 else 1e30
                total = 0
                n_ring = 0
                for k in range(n_around):
                    if around[k] <= limit:
                        total += around[k]
                        n_ring += 1
                mean = total / n_ring if n_ring > 0 else 0
            flux = 0
            xx = 0
            xy = 0
            yy = 0
            bad = n_ring < 10
            for y in range(y0, y1):
                dy = y + 0.5 - centre[n, 1]
                for x in range(x0, x1):
                    dx = x + 0.5 - centre[n, 0]
                    r2 = dx * dx + dy * dy
                    if r2 > (inner + 1) * (inner + 1):
                        continue
                    if not scratch[y, x]:
                        scratch[y, x] = 1
                        covered[n_covered] = y * n_fast + x
                        n_covered += 1
                    if r2 >= inner * inner:
                        continue
                    if not trusted[y, x] or image[y, x] < min_trusted or image[y, x] >= max_trusted:
                        bad = True
                        continue
                    c = image[y, x] - mean
                    flux += c
                    xx += c * dx * dx
                    xy += c * dx * dy
                    yy += c * dy * dy
            out[n, 0] = flux
            out[n, 1] = 0 if bad else 1
            out[n, 2] = xx
            out[n, 3] = xy
            out[n, 4] = yy
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
    cdef Py_ssize_t n
    cdef int x, y, value
    with nogil:
        for n in range(covered.shape[0]):
            y = covered[n] // <int>image.shape[1]
            x = covered[n] % <int>image.shape[1]
            value = image[y, x]
            if trusted[y, x] and lowest <= value <= cap[y, x]:
                # which wrap, as C's int must not
                total[y, x] = <int32_t>(<unsigned int>total[y, x] - <unsigned int>value)
                number[y, x] = <uint16_t>(<unsigned int>number[y, x] - 1)


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
