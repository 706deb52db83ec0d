"""An image at all scales: codes of its counts, and of every four the highest, again and again.

All functions make the coarser levels of rows [first, end) of the finest, row by row, while these are in the cache.
coarser : arrays of codes, each half as large as the one before, rounded up; first : a multiple of the rows of the
finest that a row of the coarsest stands for, and end too unless it is the last.
"""

from libc.stdint cimport int16_t, int32_t, uint8_t, uint16_t, uint32_t

cdef extern from "max_pool.h" nogil:
    int code_row_16_16(const int16_t* row, const uint8_t* good, long n, int16_t lowest, int16_t last, uint16_t* codes)
    int code_row_32_16(const int32_t* row, const uint8_t* good, long n, int32_t lowest, int32_t last, uint16_t* codes)
    int code_row_32_32(const int32_t* row, const uint8_t* good, long n, int32_t lowest, int32_t last, uint32_t* codes)
    void pool_rows_16(const uint16_t* above, const uint16_t* under, long n, uint16_t* pooled)
    void pool_rows_32(const uint32_t* above, const uint32_t* under, long n, uint32_t* pooled)

ctypedef fused code_t:
    uint16_t
    uint32_t

cdef enum:
    LEVELS = 32


cdef struct level_t:
    void* codes
    Py_ssize_t n_slow, n_fast


cdef int levels_of(code_t[:, ::1] finest, list coarser, level_t* levels) except -1:
    """Where the codes of each level are: how many levels there are."""
    cdef code_t[:, ::1] level = finest
    cdef int n = 1
    levels[0] = level_t(&level[0, 0], level.shape[0], level.shape[1])
    for level in coarser[:LEVELS - 1]:
        levels[n] = level_t(&level[0, 0], level.shape[0], level.shape[1])
        n += 1
    return n


cdef void pool_up(code_t _, const level_t* levels, int n_levels, Py_ssize_t row) noexcept nogil:
    """Make the rows of coarser levels of which `row` is the last of the finest."""
    cdef int k
    cdef Py_ssize_t n_fast
    cdef code_t* above
    cdef code_t* under
    cdef code_t* pooled
    for k in range(n_levels - 1):
        if row % 2 == 0 and row + 1 < levels[k].n_slow:
            return
        n_fast = levels[k].n_fast
        under = <code_t*>levels[k].codes + row * n_fast
        above = <code_t*>levels[k].codes + (row - row % 2) * n_fast
        row = row // 2
        pooled = <code_t*>levels[k + 1].codes + row * levels[k + 1].n_fast
        if code_t is uint16_t:
            pool_rows_16(above, under, n_fast, pooled)
        else:
            pool_rows_32(above, under, n_fast, pooled)


def pool(code_t[:, ::1] finest, list coarser, Py_ssize_t first, Py_ssize_t end):
    """From the codes of the finest level."""
    cdef level_t levels[LEVELS]
    cdef int n_levels = levels_of(finest, coarser, levels)
    cdef Py_ssize_t row
    with nogil:
        for row in range(first, end):
            pool_up(<code_t>0, levels, n_levels, row)


def code_16(const int16_t[:, ::1] counts, const uint8_t[:, ::1] good, int16_t lowest, int16_t last,
            uint16_t[:, ::1] finest, list coarser, Py_ssize_t first, Py_ssize_t end):
    """From counts, in place of which the finest codes may be: whether one has no code below that of overloads."""
    cdef level_t levels[LEVELS]
    cdef int n_levels = levels_of(finest, coarser, levels)
    cdef Py_ssize_t row
    cdef int is_beyond = 0
    with nogil:
        for row in range(first, end):
            is_beyond = code_row_16_16(&counts[row, 0], &good[row, 0], counts.shape[1], lowest, last, &finest[row, 0])
            if is_beyond:
                break
            pool_up(<uint16_t>0, levels, n_levels, row)
    return is_beyond


def code_32(const int32_t[:, ::1] counts, const uint8_t[:, ::1] good, int32_t lowest, int32_t last,
            code_t[:, ::1] finest, list coarser, Py_ssize_t first, Py_ssize_t end):
    """The same of counts of 32 bits."""
    cdef level_t levels[LEVELS]
    cdef int n_levels = levels_of(finest, coarser, levels)
    cdef Py_ssize_t row, n = counts.shape[1]
    cdef int is_beyond = 0
    with nogil:
        for row in range(first, end):
            if code_t is uint16_t:
                is_beyond = code_row_32_16(&counts[row, 0], &good[row, 0], n, lowest, last, &finest[row, 0])
            else:
                is_beyond = code_row_32_32(&counts[row, 0], &good[row, 0], n, lowest, last, &finest[row, 0])
            if is_beyond:
                break
            pool_up(<code_t>0, levels, n_levels, row)
    return is_beyond
