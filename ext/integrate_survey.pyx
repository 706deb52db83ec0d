"""What strong spots look like on a frame, and the background between them."""

from libc.math cimport ceil, floor, sqrt


cdef inline int clipped(double position, int n) noexcept nogil:
    """The whole number of a position within 0 and n; 0 for what is not a number."""
    if not position > 0:
        return 0
    return <int>position if position < n else n


def survey_frame(const int[:, ::1] image, const unsigned char[:, ::1] trusted, double min_trusted, double max_trusted,
                 double gain, double noise,
                 const double[:, ::1] centre, const double[::1] radius, const double[:, :, ::1] transform,
                 double[:, ::1] out, unsigned char[:, ::1] covered):
    """Flux and second moments of spots on one frame, each within a disc, above the ring around it.

    centre : (N, 2) px, radius : (N,) px, transform : (N, 2, 2) px to (eps1, eps2)
    out : (N, 4) flux, sum of flux eps1^2 + eps2^2, valid (1) or not (0), sum of flux eps1^2
    covered : set to 1 on the discs and rings, which are not background
    """
    cdef Py_ssize_t n
    cdef int x, y, x0, x1, y0, y1, step, n_ring
    cdef int n_slow = image.shape[0], n_fast = image.shape[1]
    cdef double dx, dy, r2, inner, outer, total, mean, limit, u, v, flux, first, second, c
    cdef bint bad
    with nogil:
        for n in range(centre.shape[0]):
            inner = radius[n]
            outer = inner + 3
            x0 = clipped(floor(centre[n, 0] - outer), n_fast)
            x1 = clipped(ceil(centre[n, 0] + outer), n_fast)
            y0 = clipped(floor(centre[n, 1] - outer), n_slow)
            y1 = clipped(ceil(centre[n, 1] + outer), n_slow)
            mean = 0
            for step in range(3):
                limit = mean + 3 * sqrt(gain * (mean if mean > 0 else 0) + noise) + gain if step > 0 else 1e30
                total = 0
                n_ring = 0
                for y in range(y0, y1):
                    dy = y + 0.5 - centre[n, 1]
                    for x in range(x0, x1):
                        dx = x + 0.5 - centre[n, 0]
                        r2 = dx * dx + dy * dy
                        if r2 < inner * inner or r2 > outer * outer:
                            continue
                        if not trusted[y, x] or image[y, x] < min_trusted or image[y, x] > limit:
                            continue
                        total += image[y, x]
                        n_ring += 1
                mean = total / n_ring if n_ring > 0 else 0
            flux = 0
            second = 0
            first = 0
            bad = n_ring < 10
            for y in range(y0, y1):
                dy = y + 0.5 - centre[n, 1]
                for x in range(x0, x1):
                    dx = x + 0.5 - centre[n, 0]
                    r2 = dx * dx + dy * dy
                    if r2 > (inner + 1) * (inner + 1):
                        continue
                    covered[y, x] = 1
                    if r2 >= inner * inner:
                        continue
                    if not trusted[y, x] or image[y, x] < min_trusted or image[y, x] >= max_trusted:
                        bad = True
                        continue
                    u = transform[n, 0, 0] * dx + transform[n, 0, 1] * dy
                    v = transform[n, 1, 0] * dx + transform[n, 1, 1] * dy
                    c = image[y, x] - mean
                    flux += c
                    first += c * u * u
                    second += c * (u * u + v * v)
            out[n, 0] = flux
            out[n, 1] = second
            out[n, 2] = 0 if bad else 1
            out[n, 3] = first


def ring_sums(const int[:, ::1] image, const unsigned char[:, ::1] trusted, const int[:, ::1] ring,
              double min_trusted, const double[::1] limit, double[::1] total, double[::1] number):
    """Sum and number of the pixels of each ring that do not exceed the ring's limit."""
    cdef int x, y, r, value
    with nogil:
        for y in range(image.shape[0]):
            for x in range(image.shape[1]):
                r = ring[y, x]
                value = image[y, x]
                if trusted[y, x] and value >= min_trusted and value <= limit[r]:
                    total[r] += value
                    number[r] += 1


def add_background(const int[:, ::1] image, const unsigned char[:, ::1] trusted, const unsigned char[:, ::1] covered,
                   const int[:, ::1] ring, double min_trusted, const double[::1] limit, double[:, ::1] total, int[:, ::1] number,
                   int[:, ::1] n_bright):
    """Add the pixels of a frame that no spot covers, and that are not brighter than their ring's limit.

    n_bright counts the frames on which a pixel was brighter than that.
    """
    cdef int x, y, value
    with nogil:
        for y in range(image.shape[0]):
            for x in range(image.shape[1]):
                value = image[y, x]
                if not trusted[y, x] or value < min_trusted:
                    continue
                if value > limit[ring[y, x]]:
                    n_bright[y, x] += 1
                elif not covered[y, x]:
                    total[y, x] += value
                    number[y, x] += 1
