"""The byte-offset compression of CBF: differences in 1, 2, 4 or 8 bytes, little endian."""


def encode(const int[::1] pixels, unsigned char[::1] target):
    """Compress into `target`, which must hold 15 bytes a pixel; returns the number of bytes used."""
    cdef Py_ssize_t i, o = 0
    cdef long long value = 0, difference, most_in_4_bytes = 2147483647
    cdef int k
    with nogil:
        for i in range(pixels.shape[0]):
            difference = pixels[i] - value
            value = pixels[i]
            if -128 < difference < 128:
                target[o] = <unsigned char>(difference & 0xFF)
                o += 1
                continue
            target[o] = 0x80
            o += 1
            if -32768 < difference < 32768:
                for k in range(2):
                    target[o + k] = <unsigned char>((difference >> (8 * k)) & 0xFF)
                o += 2
                continue
            target[o] = 0x00
            target[o + 1] = 0x80
            o += 2
            if -most_in_4_bytes <= difference <= most_in_4_bytes:
                for k in range(4):
                    target[o + k] = <unsigned char>((difference >> (8 * k)) & 0xFF)
                o += 4
                continue
            for k in range(3):
                target[o + k] = 0x00
            target[o + 3] = 0x80
            for k in range(8):
                target[o + 4 + k] = <unsigned char>((difference >> (8 * k)) & 0xFF)
            o += 12
    return o
