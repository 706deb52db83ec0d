/* Rows of pixels as bits, 64 to a word, the first pixel lowest; bits beyond a row's end are 0. */
#ifndef AUTOPROC_ROWS_OF_BITS_H
#define AUTOPROC_ROWS_OF_BITS_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

#define WORD 64

static inline int lowest_bit(uint64_t word)
{
    return __builtin_ctzll(word);
}

/* Set the bits of pixels, good or not, that hold more than `dull`. Returns whether any of them holds more than `high`, as
   1, and whether any holds `overload` or more, as 2. LANES : as many counts as 32 bytes hold; the others are
   the bits of their places. */
#define SEE_ROW(NAME, COUNT, LANES, ...)                                                                              \
    typedef COUNT NAME##_pixels __attribute__((vector_size(LANES * sizeof(COUNT))));                                  \
    typedef NAME##_pixels NAME##_anywhere __attribute__((aligned(sizeof(COUNT)), may_alias));                         \
    typedef uint64_t NAME##_words __attribute__((vector_size(LANES * sizeof(COUNT))));                                \
    static inline __attribute__((always_inline)) uint64_t NAME##_union(const NAME##_pixels *pixels)                   \
    {                                                                                                                 \
        NAME##_words words = (NAME##_words)*pixels;                                                                   \
        return words[0] | words[1] | words[2] | words[3];                                                             \
    }                                                                                                                 \
    FOR_WIDE_REGISTERS static uint8_t NAME(const COUNT *row, long width, COUNT dull, COUNT high, COUNT overload,      \
                                           uint64_t *bits)                                                            \
    {                                                                                                                 \
        const NAME##_pixels place = {__VA_ARGS__};                                                                    \
        NAME##_pixels v[WORD / LANES], higher = {0}, over = {0}, any;                                                 \
        long i = 0;                                                                                                   \
        for (; i + WORD <= width; i += WORD) {                                                                        \
            any = (NAME##_pixels){0};                                                                                 \
            for (int k = 0; k < WORD / LANES; k++) {                                                                  \
                v[k] = *(const NAME##_anywhere *)(row + i + LANES * k);                                               \
                any |= v[k] > dull;                                                                                   \
            }                                                                                                         \
            uint64_t word = 0;                                                                                        \
            if (NAME##_union(&any)) {                                                                                 \
                for (int k = 0; k < WORD / LANES; k++) {                                                              \
                    higher |= v[k] > high;                                                                            \
                    over |= v[k] >= overload;                                                                         \
                    any = (v[k] > dull) & place;                                                                      \
                    uint64_t some = NAME##_union(&any);                                                               \
                    some |= some >> 32;                                                                               \
                    some |= some >> 16;                                                                               \
                    word |= (some & (((uint64_t)1 << LANES) - 1)) << LANES * k;                                       \
                }                                                                                                     \
            }                                                                                                         \
            bits[i / WORD] = word;                                                                                    \
        }                                                                                                             \
        int found = (NAME##_union(&higher) != 0) | (NAME##_union(&over) != 0) << 1;                                   \
        if (i < width)                                                                                                \
            bits[i / WORD] = 0;                                                                                       \
        for (long first = i; i < width; i++) {                                                                        \
            bits[first / WORD] |= (uint64_t)(row[i] > dull) << (i - first);                                           \
            found |= (row[i] > high) | (row[i] >= overload) << 1;                                                     \
        }                                                                                                             \
        return (uint8_t)found;                                                                                        \
    }

SEE_ROW(see_row_16, int16_t, 16, 1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 9, 1 << 10,
        1 << 11, 1 << 12, 1 << 13, 1 << 14, INT16_MIN)
SEE_ROW(see_row_32, int32_t, 8, 1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7)

/* The bits of a row's last word that are pixels. */
static inline uint64_t in_last_word(long width)
{
    return width % WORD ? ((uint64_t)1 << width % WORD) - 1 : ~(uint64_t)0;
}

/* Set bits that are set in any of n rows, or within `reach` (below WORD) of one that is. */
FOR_WIDE_REGISTERS static void near_row(const uint64_t *rows, long n, long n_words, long width, int reach,
                                        uint64_t *restrict near)
{
    memcpy(near, rows, (size_t)n_words * sizeof *near);
    for (long row = 1; row < n; row++)
        for (long k = 0; k < n_words; k++)
            near[k] |= rows[row * n_words + k];
    uint64_t before = 0;
    for (long k = 0; k < n_words; k++) {
        uint64_t here = near[k], after = k + 1 < n_words ? near[k + 1] : 0, found = here;
        if (before | here | after)
            for (int d = 1; d <= reach; d++)
                found |= here << d | here >> d | before >> (WORD - d) | after << (WORD - d);
        near[k] = found;
        before = here;
    }
    near[n_words - 1] &= in_last_word(width);
}

/* Set bits that are set in all of n rows, as are all within `reach` (below WORD) of them; there is nothing beyond the
   ends that could be missing. */
FOR_WIDE_REGISTERS static void core_row(const uint64_t *rows, long n, long n_words, long width, int reach,
                                        uint64_t *restrict core)
{
    memcpy(core, rows, (size_t)n_words * sizeof *core);
    for (long row = 1; row < n; row++)
        for (long k = 0; k < n_words; k++)
            core[k] &= rows[row * n_words + k];
    core[n_words - 1] |= ~in_last_word(width);
    uint64_t before = ~(uint64_t)0;
    for (long k = 0; k < n_words; k++) {
        uint64_t here = core[k], after = k + 1 < n_words ? core[k + 1] : ~(uint64_t)0, found = here;
        if (here)
            for (int d = 1; d <= reach; d++)
                found &= (here << d | before >> (WORD - d)) & (here >> d | after << (WORD - d));
        core[k] = found;
        before = here;
    }
    core[n_words - 1] &= in_last_word(width);
}

#endif
