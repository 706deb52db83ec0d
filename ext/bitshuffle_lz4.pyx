"""Bitshuffle/LZ4 chunks as HDF5 filter 32008 writes them, decoded into int32."""

from libc.string cimport memcpy


cdef Py_ssize_t lz4_block(const unsigned char* source, Py_ssize_t n_source,
                          unsigned char* target, Py_ssize_t n_target) noexcept nogil:
    """Decode one LZ4 block; the number of bytes written, or -1 for a damaged block."""
    cdef Py_ssize_t i = 0, o = 0, length, offset, k
    cdef unsigned char token, more
    while i < n_source:
        token = source[i]
        i += 1
        length = token >> 4
        if length == 15:
            more = 255
            while more == 255:
                if i >= n_source:
                    return -1
                more = source[i]
                i += 1
                length += more
        if i + length > n_source or o + length > n_target:
            return -1
        memcpy(target + o, source + i, length)
        i += length
        o += length
        if i == n_source:
            break
        if i + 2 > n_source:
            return -1
        offset = source[i] | (<Py_ssize_t>source[i + 1] << 8)
        i += 2
        if offset == 0 or offset > o:
            return -1
        length = token & 15
        if length == 15:
            more = 255
            while more == 255:
                if i >= n_source:
                    return -1
                more = source[i]
                i += 1
                length += more
        length += 4
        if o + length > n_target:
            return -1
        if offset >= length:
            memcpy(target + o, target + o - offset, length)
        else:
            for k in range(length):
                target[o + k] = target[o + k - offset]
        o += length
    return o


cdef inline unsigned long long transpose_8x8(unsigned long long x) noexcept nogil:
    """Transpose an 8 x 8 matrix of bits (Warren, Hacker's Delight, 7-3)."""
    cdef unsigned long long t
    t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAULL
    x = x ^ t ^ (t << 7)
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCULL
    x = x ^ t ^ (t << 14)
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ULL
    return x ^ t ^ (t << 28)


cdef void unshuffle(const unsigned char* source, Py_ssize_t n, int size, int* target) noexcept nogil:
    """Undo the bit shuffle of n elements (a multiple of 8) of `size` bytes, into int32.

    Bit plane b of the block holds bit b of every element, 8 elements a byte.
    """
    cdef Py_ssize_t k, planes = n // 8
    cdef int byte, bit, e
    cdef unsigned long long x
    cdef unsigned int values[8]
    for k in range(planes):
        for e in range(8):
            values[e] = 0
        for byte in range(size):
            x = 0
            for bit in range(8):
                x |= (<unsigned long long>source[(byte * 8 + bit) * planes + k]) << (8 * bit)
            if x == 0:
                continue
            x = transpose_8x8(x)
            for e in range(8):
                values[e] |= <unsigned int>((x >> (8 * e)) & 0xFF) << (8 * byte)
        for e in range(8):
            target[8 * k + e] = <int>values[e]


def decode(const unsigned char[::1] source, int size, Py_ssize_t block, int[::1] target,
           unsigned char[::1] scratch):
    """Decode blocks of `block` elements of `size` bytes from `source` (after the 12-byte header).

    Returns 0, or the number (from 1) of the block that is damaged.
    """
    cdef Py_ssize_t n = target.shape[0], n_source = source.shape[0]
    cdef Py_ssize_t done = 0, i = 0, count, compressed, number = 0, e
    cdef int byte
    cdef unsigned int value
    cdef Py_ssize_t failed = 0
    with nogil:
        while done < n:
            count = block if n - done >= block else ((n - done) // 8) * 8
            if count == 0:
                break
            number += 1
            if i + 4 > n_source:
                failed = number
                break
            compressed = ((<Py_ssize_t>source[i] << 24) | (<Py_ssize_t>source[i + 1] << 16)
                          | (<Py_ssize_t>source[i + 2] << 8) | <Py_ssize_t>source[i + 3])
            i += 4
            if (i + compressed > n_source
                    or lz4_block(&source[i], compressed, &scratch[0], count * size) != count * size):
                failed = number
                break
            unshuffle(&scratch[0], count, size, &target[done])
            i += compressed
            done += count
        if failed == 0 and done < n:
            if i + (n - done) * size > n_source:
                failed = number + 1
            else:
                for e in range(done, n):
                    value = 0
                    for byte in range(size):
                        value |= <unsigned int>source[i] << (8 * byte)
                        i += 1
                    target[e] = <int>value
    return failed
