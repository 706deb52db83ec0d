"""Pixels of one frame given to the reflections that claim them, and copied into their shoeboxes."""

from libc.math cimport ceil, floor
from libc.stdint cimport int16_t, int32_t

cdef extern from "clipped.h" nogil:
    long clipped(double position, long n)

ctypedef fused count_t:
    int16_t
    int32_t

FREE = 0
OWN = 1
OTHER = 2
UNTRUSTED = -0x80000000
OVERLOADED = -0x7FFFFFFF

cdef int NO_COUNT = -0x7FFFFFFF - 1
cdef int TOO_BRIGHT = -0x7FFFFFFF


cdef inline double nearest_w(double rate, double z, double frame) noexcept nogil:
    """Distance along eps3, in sigma, from the centre to the nearest moment of a frame."""
    if z < frame:
        return rate * (frame - z)
    if z > frame + 1:
        return rate * (z - frame - 1)
    return 0.0


def claim_pixels(int frame, const Py_ssize_t[::1] rows, const double[:, ::1] centre,
                 const double[:, :, ::1] transform, const double[::1] rate, const double[:, ::1] half_width,
                 double radius, double margin, int[:, ::1] owner, float[:, ::1] distance, unsigned char[::1] contested,
                 int[:, ::1] boxes):
    """Give each peak pixel of a frame to the nearest reflection; owner is -1 where nobody claims it, and on entry.

    boxes : (len(rows), 4) set to x0 x1 y0 y1 of the pixels that each may have claimed

    Where a second reflection is less than `margin` farther, in squared sigma, the pixel is nobody's
    (owner below -1).
    A pixel belongs to a peak where its centre lies within `radius` of it in (eps1, eps2, eps3).
    Both reflections are marked as contested where two claim one pixel.
    """
    cdef Py_ssize_t n, r
    cdef int x, y, x0, x1, y0, y1, holder
    cdef double w, limit, dx, dy, u, v, r2, difference
    cdef int n_slow = owner.shape[0], n_fast = owner.shape[1]
    cdef Py_ssize_t n_all = contested.shape[0]
    with nogil:
        for n in range(rows.shape[0]):
            r = rows[n]
            boxes[n, 0] = boxes[n, 1] = boxes[n, 2] = boxes[n, 3] = 0
            w = nearest_w(rate[r], centre[r, 2], frame)
            limit = radius * radius - w * w
            if limit <= 0:
                continue
            x0 = <int>clipped(floor(centre[r, 0] - half_width[r, 0] - 0.5), n_fast)
            x1 = <int>clipped(ceil(centre[r, 0] + half_width[r, 0] + 0.5), n_fast)
            y0 = <int>clipped(floor(centre[r, 1] - half_width[r, 1] - 0.5), n_slow)
            y1 = <int>clipped(ceil(centre[r, 1] + half_width[r, 1] + 0.5), n_slow)
            boxes[n, 0], boxes[n, 1], boxes[n, 2], boxes[n, 3] = x0, x1, y0, y1
            for y in range(y0, y1):
                dy = y + 0.5 - centre[r, 1]
                for x in range(x0, x1):
                    dx = x + 0.5 - centre[r, 0]
                    u = transform[r, 0, 0] * dx + transform[r, 0, 1] * dy
                    v = transform[r, 1, 0] * dx + transform[r, 1, 1] * dy
                    r2 = u * u + v * v
                    if r2 > limit:
                        continue
                    r2 += w * w
                    holder = owner[y, x]
                    if holder < -1:
                        holder = -2 - holder
                    if holder < 0 or holder >= n_all:
                        owner[y, x] = <int>r
                        distance[y, x] = <float>r2
                        continue
                    contested[r] = 1
                    contested[holder] = 1
                    difference = r2 - distance[y, x]
                    if difference < 0:
                        holder = <int>r
                        distance[y, x] = <float>r2
                    if owner[y, x] >= 0 or difference < 0:
                        owner[y, x] = -2 - holder if -margin < difference < margin else holder


def release_pixels(const int[:, ::1] boxes, int[:, ::1] owner):
    """Make the pixels of boxes (x0 x1 y0 y1) nobody's."""
    cdef Py_ssize_t n
    cdef int x, y
    with nogil:
        for n in range(boxes.shape[0]):
            for y in range(boxes[n, 2], boxes[n, 3]):
                for x in range(boxes[n, 0], boxes[n, 1]):
                    owner[y, x] = -1


def copy_pixels(int frame, const Py_ssize_t[::1] rows, Py_ssize_t offset, const count_t[:, ::1] image,
                const unsigned char[:, ::1] trusted, double min_trusted, double max_trusted, const int[:, ::1] owner, const int[:, ::1] bbox,
                const Py_ssize_t[::1] start, int[::1] counts, unsigned char[::1] label):
    """Copy one frame of each row's shoebox to counts and label from start[row] on.

    counts is UNTRUSTED where a pixel is untrusted or off the detector and OVERLOADED where it is overloaded; label
    says whose peak it is in: nobody's, the reflection's own (owner is row + offset), another's or contested.
    """
    cdef Py_ssize_t n, r, at
    cdef int x, y, value
    cdef int n_slow = owner.shape[0], n_fast = owner.shape[1]
    with nogil:
        for n in range(rows.shape[0]):
            r = rows[n]
            at = start[r] + (<Py_ssize_t>(frame - bbox[r, 4])) * (bbox[r, 3] - bbox[r, 2]) * (bbox[r, 1] - bbox[r, 0])
            for y in range(bbox[r, 2], bbox[r, 3]):
                for x in range(bbox[r, 0], bbox[r, 1]):
                    if x < 0 or y < 0 or x >= n_fast or y >= n_slow:
                        counts[at] = NO_COUNT
                        label[at] = 0
                        at += 1
                        continue
                    value = image[y, x]
                    if not trusted[y, x] or value < min_trusted:
                        value = NO_COUNT
                    elif value >= max_trusted:
                        value = TOO_BRIGHT
                    counts[at] = value
                    if owner[y, x] == -1:
                        label[at] = 0
                    elif owner[y, x] == r + offset:
                        label[at] = 1
                    else:
                        label[at] = 2
                    at += 1
