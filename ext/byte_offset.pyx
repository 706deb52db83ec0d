"""CBF byte-offset compression: each pixel is its difference from the one before, in 1, 2, 4 or 8 bytes."""


def decode(const unsigned char[::1] source, int[::1] target):
    """Decode target.shape[0] pixels; the number of bytes used, or -1 - n if bytes run out at pixel n.

    Differences of 8 bytes are taken modulo 2**32, as the pixels are.
    """
    cdef Py_ssize_t i = 0, n = 0
    cdef Py_ssize_t n_pixels = target.shape[0], n_source = source.shape[0]
    cdef unsigned int value = 0
    cdef unsigned int step
    cdef Py_ssize_t result = 0
    if n_pixels == 0:
        return 0
    cdef const unsigned char* s = &source[0] if n_source else NULL
    cdef int* t = &target[0]
    with nogil:
        while n < n_pixels:
            if i >= n_source:
                result = -1 - n
                break
            if s[i] != 0x80:
                value += <unsigned int><int><signed char>s[i]
                i += 1
            elif i + 3 <= n_source and not (s[i + 1] == 0 and s[i + 2] == 0x80):
                step = s[i + 1] | (<unsigned int>s[i + 2] << 8)
                value += <unsigned int><int><short>step
                i += 3
            elif i + 7 <= n_source and not (s[i + 3] == 0 and s[i + 4] == 0 and s[i + 5] == 0 and s[i + 6] == 0x80):
                step = (s[i + 3] | (<unsigned int>s[i + 4] << 8) | (<unsigned int>s[i + 5] << 16)
                        | (<unsigned int>s[i + 6] << 24))
                value += step
                i += 7
            elif i + 15 <= n_source:
                step = (s[i + 7] | (<unsigned int>s[i + 8] << 8) | (<unsigned int>s[i + 9] << 16)
                        | (<unsigned int>s[i + 10] << 24))
                value += step
                i += 15
            else:
                result = -1 - n
                break
            t[n] = <int>value
            n += 1
    return result if result < 0 else i
