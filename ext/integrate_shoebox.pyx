"""Pixels of one frame given to the reflections that claim them, and copied into their shoeboxes."""

from libc.math cimport ceil, floor
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t, uint32_t

cdef extern from "clipped.h" nogil:
    long clipped(double position, long n)

cdef extern from "shoebox_rows.h" nogil:
    void fetch(const void* first, const void* last)
    void copy_row_16_16(const int16_t* row, const uint16_t* claim, long n, long left, uint16_t own, int32_t lowest,
                        int32_t highest, int32_t* counts, uint8_t* label)
    void copy_row_32_16(const int32_t* row, const uint16_t* claim, long n, long left, uint16_t own, int32_t lowest,
                        int32_t highest, int32_t* counts, uint8_t* label)
    void copy_row_16_32(const int16_t* row, const uint32_t* claim, long n, long left, uint32_t own, int32_t lowest,
                        int32_t highest, int32_t* counts, uint8_t* label)
    void copy_row_32_32(const int32_t* row, const uint32_t* claim, long n, long left, uint32_t own, int32_t lowest,
                        int32_t highest, int32_t* counts, uint8_t* label)

ctypedef fused count_t:
    int16_t
    int32_t

ctypedef fused claim_t:
    uint16_t
    uint32_t

FREE = 0
OWN = 1
OTHER = 2
UNTRUSTED = -0x80000000
OVERLOADED = -0x7FFFFFFF

cdef int NOTHING = -0x7FFFFFFF - 1

# Boxes ahead of the one that is copied whose pixels are asked for.
cdef enum:
    AHEAD = 2


cdef inline double nearest_w(double rate, double z, double frame) noexcept nogil:
    """Distance along eps3, in sigma, from the centre to the nearest moment of a frame."""
    if z < frame:
        return rate * (frame - z)
    if z > frame + 1:
        return rate * (z - frame - 1)
    return 0.0


def claim_pixels(int frame, const Py_ssize_t[::1] rows, const double[:, ::1] centre,
                 const double[:, :, ::1] transform, const double[::1] rate, const double[:, ::1] half_width,
                 double radius, double margin, claim_t[:, ::1] owner, float[:, ::1] distance,
                 unsigned char[::1] contested, int[:, ::1] boxes):
    """Give each peak pixel of a frame to the nearest reflection; nobody claims one of owner on entry.

    owner : see shoebox_rows.h; the number is that in `rows`, from 1
    boxes : (len(rows), 4) set to x0 x1 y0 y1 of the pixels that each may have claimed

    Where a second reflection is less than `margin` farther, in squared sigma, the pixel is contested, and nobody's.
    A pixel belongs to a peak where its centre lies within `radius` of it in (eps1, eps2, eps3).
    Both reflections are marked as contested where two claim one pixel.
    """
    cdef claim_t untrusted = <claim_t>(<claim_t>1 << (8 * sizeof(claim_t) - 1)), two = untrusted >> 1, number = two - 1
    cdef claim_t was, holder
    cdef Py_ssize_t n, r
    cdef int x, y, x0, x1, y0, y1
    cdef double w, limit, dx, dy, u, v, r2, difference
    cdef int n_slow = owner.shape[0], n_fast = owner.shape[1]
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
                    was = owner[y, x]
                    holder = was & number
                    if holder == 0 or holder > rows.shape[0]:
                        owner[y, x] = <claim_t>((was & untrusted) | <claim_t>(n + 1))
                        distance[y, x] = <float>r2
                        continue
                    contested[r] = 1
                    contested[rows[holder - 1]] = 1
                    difference = r2 - distance[y, x]
                    if difference < 0:
                        holder = <claim_t>(n + 1)
                        distance[y, x] = <float>r2
                    if not was & two or difference < 0:
                        owner[y, x] = <claim_t>((was & untrusted) | holder
                                                | (two if -margin < difference < margin else <claim_t>0))


def release_pixels(const int[:, ::1] boxes, claim_t[:, ::1] owner):
    """Make the pixels of boxes (x0 x1 y0 y1) nobody's."""
    cdef claim_t untrusted = <claim_t>(<claim_t>1 << (8 * sizeof(claim_t) - 1))
    cdef Py_ssize_t n
    cdef int x, y
    with nogil:
        for n in range(boxes.shape[0]):
            for y in range(boxes[n, 2], boxes[n, 3]):
                for x in range(boxes[n, 0], boxes[n, 1]):
                    owner[y, x] &= untrusted


cdef inline void fetch_box(Py_ssize_t r, const count_t[:, ::1] image, const claim_t[:, ::1] owner,
                           const int[:, ::1] bbox) noexcept nogil:
    """Ask for the pixels of a box, of which the memory takes long to deliver the first."""
    cdef Py_ssize_t y, x0 = max(0, bbox[r, 0]), x1 = min(owner.shape[1], <Py_ssize_t>bbox[r, 1]) - 1
    if x1 < x0:
        return
    for y in range(max(0, bbox[r, 2]), min(owner.shape[0], <Py_ssize_t>bbox[r, 3])):
        fetch(&image[y, x0], &image[y, x1])
        fetch(&owner[y, x0], &owner[y, x1])


def copy_pixels(int frame, const Py_ssize_t[::1] rows, const Py_ssize_t[::1] own, const count_t[:, ::1] image,
                int lowest, int highest, const claim_t[:, ::1] owner, const int[:, ::1] bbox,
                const Py_ssize_t[::1] start, int32_t[::1] counts, unsigned char[::1] label):
    """Copy one frame of each row's shoebox to counts and label from start[row] on.

    counts is UNTRUSTED where a pixel is untrusted, below `lowest` or off the detector and OVERLOADED where it is
    `highest` or more; label says whose peak it is in: nobody's, the reflection's own (`own`, the number in owner),
    another's or contested.
    """
    cdef Py_ssize_t n, r, at, x0, x1, width, y, k, left
    cdef Py_ssize_t n_slow = owner.shape[0], n_fast = owner.shape[1]
    with nogil:
        for n in range(rows.shape[0]):
            if n + AHEAD < rows.shape[0]:
                fetch_box(rows[n + AHEAD], image, owner, bbox)
            r = rows[n]
            width = bbox[r, 1] - bbox[r, 0]
            at = start[r] + (<Py_ssize_t>(frame - bbox[r, 4])) * (bbox[r, 3] - bbox[r, 2]) * width
            x0, x1 = max(0, bbox[r, 0]), min(n_fast, <Py_ssize_t>bbox[r, 1])
            for y in range(bbox[r, 2], bbox[r, 3]):
                if x1 - x0 < width or y < 0 or y >= n_slow:
                    for k in range(at, at + width):
                        counts[k] = NOTHING
                        label[k] = 0
                if 0 <= y < n_slow and x0 < x1:
                    k = at + x0 - bbox[r, 0]
                    left = (n_slow - y) * n_fast - x0
                    copy_row(&image[y, x0], &owner[y, x0], x1 - x0, left, <claim_t>own[n], lowest, highest, &counts[k],
                             &label[k])
                at += width


cdef inline void copy_row(const count_t* row, const claim_t* claim, long n, long left, claim_t own, int lowest,
                          int highest, int32_t* counts, uint8_t* label) noexcept nogil:
    if count_t is int16_t and claim_t is uint16_t:
        copy_row_16_16(row, claim, n, left, own, lowest, highest, counts, label)
    elif count_t is int32_t and claim_t is uint16_t:
        copy_row_32_16(row, claim, n, left, own, lowest, highest, counts, label)
    elif count_t is int16_t:
        copy_row_16_32(row, claim, n, left, own, lowest, highest, counts, label)
    else:
        copy_row_32_32(row, claim, n, left, own, lowest, highest, counts, label)
