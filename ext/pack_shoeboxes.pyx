"""Shoeboxes of spots as bytes: a header, then counts, mask and background of every pixel of the box."""

from libc.string cimport memcpy, memset


cdef inline Py_ssize_t place_of(const int[:, ::1] bbox, Py_ssize_t r, int x, int y, int z) noexcept nogil:
    """The number of a pixel in box r, along fast, then slow, then frame; -1 outside."""
    if not (bbox[r, 0] <= x < bbox[r, 1] and bbox[r, 2] <= y < bbox[r, 3] and bbox[r, 4] <= z < bbox[r, 5]):
        return -1
    return (<Py_ssize_t>(z - bbox[r, 4]) * (bbox[r, 3] - bbox[r, 2]) + y - bbox[r, 2]) * (bbox[r, 1] - bbox[r, 0]) \
        + x - bbox[r, 0]


def pack(const int[:, ::1] header, const Py_ssize_t[::1] rows, const int[:, ::1] bbox, const Py_ssize_t[::1] start,
         const int[::1] x, const int[::1] y, const int[::1] z, const int[::1] counts, int signal,
         const Py_ssize_t[::1] offset, unsigned char[::1] packed):
    """Write the box of spot rows[k], with header[k] (panel, x0, x1, y0, y1, z0, z1), from packed[offset[k]] on.

    Spot r has the box bbox[r] and the pixels start[r]:start[r + 1]; offset[k + 1] - offset[k] is as the box asks for.
    Returns the number k of the first box that does not hold its pixels, -1 if there is none.
    """
    cdef Py_ssize_t k, p, r, place, n_pixels, wrong = -1
    cdef unsigned char *box
    cdef float value
    with nogil:
        for k in range(rows.shape[0]):
            r = rows[k]
            n_pixels = (offset[k + 1] - offset[k] - 29) // 12
            box = &packed[offset[k]]
            memcpy(box, &header[k, 0], 28)
            box[28] = 1
            box += 29
            memset(box, 0, 12 * n_pixels)
            for p in range(start[r], start[r + 1]):
                place = place_of(bbox, r, x[p], y[p], z[p])
                if place < 0:
                    wrong = k
                    break
                value = <float>counts[p]
                memcpy(box + 4 * place, &value, 4)
                memcpy(box + 4 * (n_pixels + place), &signal, 4)
            if wrong >= 0:
                break
    return wrong
