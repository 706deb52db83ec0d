"""CBF byte-offset compression: each pixel is its difference from the one before, in 1, 2, 4 or 8 bytes."""

from libc.stdint cimport int16_t, int32_t, uint64_t
from libc.string cimport memcpy

ctypedef fused count_t:
    int16_t
    int32_t

# Differences of one byte are taken so many at a time where no longer one is among them.
cdef enum:
    RUN = 16

cdef uint64_t EVERY_BYTE = 0x0101010101010101
cdef uint64_t LONGER = 0x8080808080808080  # the byte that announces a longer difference, eight times
cdef Py_ssize_t TOO_LARGE = -(<Py_ssize_t>1 << 62)


cdef inline bint are_short(const unsigned char* s) noexcept nogil:
    """None of the next RUN bytes announces a longer difference."""
    cdef uint64_t eight
    cdef Py_ssize_t k
    for k in range(0, RUN, 8):
        memcpy(&eight, s + k, 8)
        eight ^= LONGER
        if (eight - EVERY_BYTE) & ~eight & LONGER:
            return False
    return True


cdef inline Py_ssize_t step_from(const unsigned char* s, Py_ssize_t left, unsigned int* step) noexcept nogil:
    """The difference at s, and how many bytes it takes; 0 if it takes more than are left."""
    if left >= 1 and s[0] != 0x80:
        step[0] = <unsigned int><int><signed char>s[0]
        return 1
    if left >= 3 and not (s[1] == 0 and s[2] == 0x80):
        step[0] = <unsigned int><int><short>(s[1] | (<unsigned int>s[2] << 8))
        return 3
    if left >= 7 and not (s[3] == 0 and s[4] == 0 and s[5] == 0 and s[6] == 0x80):
        step[0] = (s[3] | (<unsigned int>s[4] << 8) | (<unsigned int>s[5] << 16) | (<unsigned int>s[6] << 24))
        return 7
    if left >= 15:
        step[0] = (s[7] | (<unsigned int>s[8] << 8) | (<unsigned int>s[9] << 16) | (<unsigned int>s[10] << 24))
        return 15
    return 0


def decode(const unsigned char[::1] source, count_t[::1] target):
    """Decode target.shape[0] pixels; the number of bytes used, or -1 - n if bytes run out at pixel n.

    Differences of 8 bytes are taken modulo 2**32, as the pixels are. Returns -2**62 if a pixel does not fit into target.
    """
    cdef Py_ssize_t i = 0, n = 0, k, used, end
    cdef Py_ssize_t n_pixels = target.shape[0], n_source = source.shape[0]
    cdef unsigned int value = 0, step = 0
    cdef int reach = 32767 - RUN * 128
    if n_pixels == 0:
        return 0
    cdef const unsigned char* s = &source[0] if n_source else NULL
    cdef count_t* t = &target[0]
    with nogil:
        while n < n_pixels:
            if n + RUN <= n_pixels and i + RUN <= n_source and are_short(s + i):
                if count_t is int32_t or -reach <= <int>value <= reach:
                    for k in range(RUN):
                        value += <unsigned int><int><signed char>s[i + k]
                        t[n + k] = <count_t><int>value
                    n += RUN
                    i += RUN
                    continue
            end = min(n + RUN, n_pixels)
            while n < end:
                used = step_from(s + i, n_source - i, &step)
                if used == 0:
                    n = -1 - n
                    break
                value += step
                if count_t is int16_t and not -32768 <= <int>value <= 32767:
                    n = TOO_LARGE
                    break
                t[n] = <count_t><int>value
                i += used
                n += 1
            if n < 0:
                break
    return n if n < 0 else i
