"""Shoeboxes of spots as bytes: a header, then counts, mask and background of every pixel of the box."""

from libc.stdint cimport int16_t, int32_t, uint16_t
from libc.string cimport memcpy, memset

ctypedef fused count_t:
    int16_t
    int32_t

ctypedef fused place_t:
    uint16_t
    int32_t


def place_pixels(const int[:, ::1] bbox, const Py_ssize_t[::1] start, const int[::1] x, const int[::1] y,
                 const int[::1] z, place_t[::1] place):
    """Fill place with the number of each pixel in its box, along fast, then slow, then frame.

    Spot r has the box bbox[r] and the pixels start[r]:start[r + 1]; boxes have no more pixels than place can number.
    Returns the number of the first box that does not hold its pixels, -1 if there is none.
    """
    cdef Py_ssize_t r, p, wrong = -1
    with nogil:
        for r in range(bbox.shape[0]):
            for p in range(start[r], start[r + 1]):
                if not (bbox[r, 0] <= x[p] < bbox[r, 1] and bbox[r, 2] <= y[p] < bbox[r, 3]
                        and bbox[r, 4] <= z[p] < bbox[r, 5]):
                    wrong = r
                    break
                place[p] = <place_t>((<Py_ssize_t>(z[p] - bbox[r, 4]) * (bbox[r, 3] - bbox[r, 2]) + y[p] - bbox[r, 2])
                                     * (bbox[r, 1] - bbox[r, 0]) + x[p] - bbox[r, 0])
            if wrong >= 0:
                break
    return wrong


def pack(const int[:, ::1] header, const Py_ssize_t[::1] begin, const Py_ssize_t[::1] end, const place_t[::1] place,
         const count_t[::1] counts, int signal, const Py_ssize_t[::1] offset, unsigned char[::1] packed):
    """Write box k, with header[k] (panel, x0, x1, y0, y1, z0, z1), from packed[offset[k]] on.

    It has the pixels begin[k]:end[k]; offset[k + 1] - offset[k] is as the box asks for.
    Returns the number k of the first box that does not hold its pixels, -1 if there is none.
    """
    cdef Py_ssize_t k, p, n_pixels, wrong = -1
    cdef unsigned char *box
    cdef float value
    with nogil:
        for k in range(header.shape[0]):
            n_pixels = (offset[k + 1] - offset[k] - 29) // 12
            box = &packed[offset[k]]
            memcpy(box, &header[k, 0], 28)
            box[28] = 1
            box += 29
            memset(box, 0, 12 * n_pixels)
            for p in range(begin[k], end[k]):
                if not 0 <= <Py_ssize_t>place[p] < n_pixels:
                    wrong = k
                    break
                value = <float>counts[p]
                memcpy(box + 4 * <Py_ssize_t>place[p], &value, 4)
                memcpy(box + 4 * (n_pixels + <Py_ssize_t>place[p]), &signal, 4)
            if wrong >= 0:
                break
    return wrong
