"""Bitshuffle/LZ4 chunks as HDF5 filter 32008 writes them, decoded into int16 or int32."""

from libc.stdint cimport int16_t, int32_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset

cdef extern from "bit_planes.h" nogil:
    void gather_bytes(const uint8_t* planes, long n, long m, uint64_t* eights)
    int counts_of_planes_16(const uint8_t* planes, int size, long n, uint64_t* rest, int16_t* target)
    int join_16(const uint8_t* bytes, int size, long n, int16_t* target)
    void join_32(const uint8_t* bytes, int size, long n, int32_t* target)

ctypedef fused count_t:
    int16_t
    int32_t


# Bytes that are copied at once, of which all but those that are wanted are overwritten later: most copies are shorter.
cdef enum:
    AT_ONCE = 16

SPARE = AT_ONCE


cdef inline Py_ssize_t length_from(const unsigned char* source, Py_ssize_t n_source, Py_ssize_t* i,
                                   Py_ssize_t length) noexcept nogil:
    """A length that goes on in further bytes if it is 15, or -1 where they run out."""
    cdef unsigned char more = 255
    if length == 15:
        while more == 255:
            if i[0] >= n_source:
                return -1
            more = source[i[0]]
            i[0] += 1
            length += more
    return length


cdef inline void repeat(unsigned char* target, Py_ssize_t offset, Py_ssize_t length) noexcept nogil:
    """Write what is `offset` bytes before again and again; AT_ONCE bytes more may be written."""
    cdef Py_ssize_t done = 0, period
    cdef unsigned char pattern[AT_ONCE]
    cdef const unsigned char* source = target - offset
    if offset == 1 or offset == 2 and source[0] == source[1]:  # nothing but one byte, as most are
        memset(target, source[0], length)
    elif offset >= length and length > 4 * AT_ONCE:
        memcpy(target, source, length)
    elif offset >= AT_ONCE:
        while done < length:
            memcpy(target + done, source + done, AT_ONCE)
            done += AT_ONCE
    else:  # the source runs into what is being written
        period = AT_ONCE // offset * offset
        for done in range(offset):
            pattern[done] = source[done]
        for done in range(offset, AT_ONCE):
            pattern[done] = pattern[done - offset]
        done = 0
        while done < length:
            memcpy(target + done, pattern, AT_ONCE)
            done += period


cdef Py_ssize_t lz4_block(const unsigned char* source, Py_ssize_t n_source,
                          unsigned char* target, Py_ssize_t n_target) noexcept nogil:
    """Decode one LZ4 block; the number of bytes written, or -1 for a damaged block. The target has room for SPARE more."""
    cdef Py_ssize_t i = 0, o = 0, length, offset
    cdef unsigned char token
    while i < n_source:
        token = source[i]
        i += 1
        length = length_from(source, n_source, &i, token >> 4)
        if length < 0 or i + length > n_source or o + length > n_target:
            return -1
        if length <= AT_ONCE and i + AT_ONCE <= n_source:
            memcpy(target + o, source + i, AT_ONCE)
        else:
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
        length = length_from(source, n_source, &i, token & 15)
        if length < 0 or o + length + 4 > n_target:
            return -1
        length += 4
        repeat(target + o, offset, length)
        o += length
    return o


cdef int unshuffle(const uint8_t* source, Py_ssize_t n, int size, uint8_t* parts, count_t* target) noexcept nogil:
    """Undo the bit shuffle of n elements (a multiple of 8) of `size` bytes; whether one does not fit into the target.

    Bit plane b of the block holds bit b of every element, 8 elements a byte. parts : work space of n size bytes, aligned
    """
    cdef int part
    if count_t is int16_t:
        return counts_of_planes_16(source, size, n // 8, <uint64_t*>parts, target)
    else:
        for part in range(size):
            gather_bytes(source + part * n, n // 8, n // 8, <uint64_t*>(parts + part * n))
        join_32(parts, size, n, target)
        return False


def decode(const uint8_t[::1] source, int size, Py_ssize_t block, count_t[::1] target, uint8_t[::1] scratch,
           uint64_t[::1] parts):
    """Decode blocks of `block` elements of `size` bytes from `source` (after the 12-byte header); scratch has room for one
    and SPARE bytes.

    Returns 0, or the number (from 1) of the block that is damaged, or -1 where a count does not fit into the target.
    """
    cdef Py_ssize_t n = target.shape[0], n_source = source.shape[0]
    cdef Py_ssize_t done = 0, i = 0, count, compressed, number = 0
    cdef uint8_t* rest = <uint8_t*>&parts[0]
    cdef int byte
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
            if unshuffle(&scratch[0], count, size, rest, &target[done]):
                failed = -1
                break
            i += compressed
            done += count
        if failed == 0 and done < n:  # fewer than 8 elements are stored as they are
            count = n - done
            if i + count * size > n_source:
                failed = number + 1
            else:
                for number in range(count):
                    for byte in range(size):
                        rest[byte * count + number] = source[i + number * size + byte]
                if count_t is int16_t:
                    if join_16(rest, size, count, &target[done]):
                        failed = -1
                else:
                    join_32(rest, size, count, &target[done])
    return failed
