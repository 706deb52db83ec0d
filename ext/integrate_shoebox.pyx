"""Pixels of one frame given to the reflections that claim them, and copied into their shoeboxes."""

from libc.math cimport ceil, floor
from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t, uint32_t

cdef extern from "clipped.h" nogil:
    long clipped(double position, long n)

cdef extern from "fetch.h" nogil:
    void fetch(const void* first, const void* last)

cdef extern from "shoebox_rows.h" nogil:
    ctypedef struct part_of_frame:
        long n_rows, n, pitch, left, width
    void copy_rows_16_16(const int16_t* row, const uint16_t* claim, const part_of_frame* part, uint16_t own,
                         int32_t lowest, int32_t highest, int32_t* counts, uint8_t* label)
    void copy_rows_32_16(const int32_t* row, const uint16_t* claim, const part_of_frame* part, uint16_t own,
                         int32_t lowest, int32_t highest, int32_t* counts, uint8_t* label)
    void copy_rows_16_32(const int16_t* row, const uint32_t* claim, const part_of_frame* part, uint32_t own,
                         int32_t lowest, int32_t highest, int32_t* counts, uint8_t* label)
    void copy_rows_32_32(const int32_t* row, const uint32_t* claim, const part_of_frame* part, uint32_t own,
                         int32_t lowest, int32_t highest, int32_t* counts, uint8_t* label)

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


cdef struct peak:
    double t0, t1, t2, t3, x, y, w2


cdef inline peak peak_of(Py_ssize_t r, int frame, const double[:, ::1] centre, const double[:, :, ::1] transform,
                         const double[::1] rate) noexcept nogil:
    """What is to be known of a reflection's peak on a frame; w2 is the squared distance along eps3."""
    cdef peak p
    cdef double w = nearest_w(rate[r], centre[r, 2], frame)
    p.t0, p.t1, p.t2, p.t3 = transform[r, 0, 0], transform[r, 0, 1], transform[r, 1, 0], transform[r, 1, 1]
    p.x, p.y, p.w2 = centre[r, 0], centre[r, 1], w * w
    return p


cdef inline double on_frame(const peak* p, int x, int y) noexcept nogil:
    """Squared distance of a pixel along eps1 and eps2."""
    cdef double dx = x + 0.5 - p.x, dy = y + 0.5 - p.y
    cdef double u = p.t0 * dx + p.t1 * dy, v = p.t2 * dx + p.t3 * dy
    return u * u + v * v


cdef inline void fetch_claims(const int[:, ::1] boxes, Py_ssize_t n, const claim_t[:, ::1] owner) noexcept nogil:
    """Ask for what a box of claims holds, if there is one."""
    cdef int y
    if n < boxes.shape[0] and boxes[n, 0] < boxes[n, 1]:
        for y in range(boxes[n, 2], boxes[n, 3]):
            fetch(&owner[y, boxes[n, 0]], &owner[y, boxes[n, 1] - 1])


def claim_pixels(int frame, const Py_ssize_t[::1] rows, const double[:, ::1] centre,
                 const double[:, :, ::1] transform, const double[::1] rate, const double[:, ::1] half_width,
                 double radius, double margin, claim_t[:, ::1] owner, unsigned char[::1] contested, int[:, ::1] boxes):
    """Give each peak pixel of a frame to the nearest reflection; nobody claims one of owner on entry.

    owner : see shoebox_rows.h; the number is that in `rows`, from 1
    boxes : (len(rows), 4) set to x0 x1 y0 y1 of the pixels that each may have claimed

    Where a second reflection is less than `margin` farther, in squared sigma, the pixel is contested, and nobody's.
    A pixel belongs to a peak where its centre lies within `radius` of it in (eps1, eps2, eps3).
    Both reflections are marked as contested where two claim one pixel. How far the holder of a pixel is gets worked out
    again there, which is seldom: a map of distances would have to come from memory for every peak.
    """
    cdef claim_t untrusted = <claim_t>(<claim_t>1 << (8 * sizeof(claim_t) - 1)), two = untrusted >> 1, number = two - 1
    cdef claim_t was, holder
    cdef Py_ssize_t n, r
    cdef int x, y
    cdef double limit, r2
    cdef double difference
    cdef peak own, other
    cdef int n_slow = owner.shape[0], n_fast = owner.shape[1]
    with nogil:
        for n in range(rows.shape[0]):
            r = rows[n]
            own = peak_of(r, frame, centre, transform, rate)
            boxes[n, 0] = boxes[n, 1] = boxes[n, 2] = boxes[n, 3] = 0
            if radius * radius - own.w2 > 0:
                boxes[n, 0] = <int>clipped(floor(own.x - half_width[r, 0] - 0.5), n_fast)
                boxes[n, 1] = <int>clipped(ceil(own.x + half_width[r, 0] + 0.5), n_fast)
                boxes[n, 2] = <int>clipped(floor(own.y - half_width[r, 1] - 0.5), n_slow)
                boxes[n, 3] = <int>clipped(ceil(own.y + half_width[r, 1] + 0.5), n_slow)
        for n in range(rows.shape[0]):
            fetch_claims(boxes, n + AHEAD, owner)
            r = rows[n]
            own = peak_of(r, frame, centre, transform, rate)
            limit = radius * radius - own.w2
            for y in range(boxes[n, 2], boxes[n, 3]):
                for x in range(boxes[n, 0], boxes[n, 1]):
                    r2 = on_frame(&own, x, y)
                    if r2 > limit:
                        continue
                    was = owner[y, x]
                    holder = was & number
                    if holder == 0 or holder > rows.shape[0]:
                        owner[y, x] = <claim_t>((was & untrusted) | <claim_t>(n + 1))
                        continue
                    contested[r] = 1
                    contested[rows[holder - 1]] = 1
                    other = peak_of(rows[holder - 1], frame, centre, transform, rate)
                    difference = r2 + own.w2 - <float>(on_frame(&other, x, y) + other.w2)
                    if difference < 0:
                        holder = <claim_t>(n + 1)
                    if not was & two or difference < 0:
                        owner[y, x] = <claim_t>((was & untrusted) | holder
                                                | (two if -margin < difference < margin else <claim_t>0))


def release_pixels(const int[:, ::1] boxes, claim_t[:, ::1] owner):
    """Make the pixels of boxes (x0 x1 y0 y1) nobody's."""
    cdef claim_t untrusted = <claim_t>(<claim_t>1 << (8 * sizeof(claim_t) - 1))
    cdef claim_t* row
    cdef Py_ssize_t n
    cdef int x, y
    with nogil:
        for n in range(boxes.shape[0]):
            fetch_claims(boxes, n + AHEAD, owner)
            if boxes[n, 0] >= boxes[n, 1]:
                continue
            for y in range(boxes[n, 2], boxes[n, 3]):
                row = &owner[y, boxes[n, 0]]
                for x in range(boxes[n, 1] - boxes[n, 0]):
                    row[x] &= untrusted


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
    cdef Py_ssize_t n, r, at, x0, x1, y0, y1, k, size
    cdef Py_ssize_t n_slow = owner.shape[0], n_fast = owner.shape[1]
    cdef part_of_frame part
    part.pitch = n_fast
    with nogil:
        for n in range(rows.shape[0]):
            if n + AHEAD < rows.shape[0]:
                fetch_box(rows[n + AHEAD], image, owner, bbox)
            r = rows[n]
            part.width = bbox[r, 1] - bbox[r, 0]
            size = (bbox[r, 3] - bbox[r, 2]) * part.width
            at = start[r] + (<Py_ssize_t>(frame - bbox[r, 4])) * size
            x0, x1 = max(0, bbox[r, 0]), min(n_fast, <Py_ssize_t>bbox[r, 1])
            y0, y1 = max(0, bbox[r, 2]), min(n_slow, <Py_ssize_t>bbox[r, 3])
            part.n, part.n_rows = max(0, x1 - x0), max(0, y1 - y0)
            if part.n * part.n_rows < size:
                for k in range(at, at + size):
                    counts[k] = NOTHING
                    label[k] = 0
            if part.n * part.n_rows == 0:
                continue
            part.left = (n_slow - y0) * n_fast - x0
            k = at + (y0 - bbox[r, 2]) * part.width + x0 - bbox[r, 0]
            copy_rows(&image[y0, x0], &owner[y0, x0], &part, <claim_t>own[n], lowest, highest, &counts[k], &label[k])


cdef inline void copy_rows(const count_t* row, const claim_t* claim, const part_of_frame* part, claim_t own, int lowest,
                           int highest, int32_t* counts, uint8_t* label) noexcept nogil:
    if count_t is int16_t and claim_t is uint16_t:
        copy_rows_16_16(row, claim, part, own, lowest, highest, counts, label)
    elif count_t is int32_t and claim_t is uint16_t:
        copy_rows_32_16(row, claim, part, own, lowest, highest, counts, label)
    elif count_t is int16_t:
        copy_rows_16_32(row, claim, part, own, lowest, highest, counts, label)
    else:
        copy_rows_32_32(row, claim, part, own, lowest, highest, counts, label)
