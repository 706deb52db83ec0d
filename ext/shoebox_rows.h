/* Rows of pixels copied into shoeboxes, many pixels at a time. */
#ifndef AUTOPROC_SHOEBOX_ROWS_H
#define AUTOPROC_SHOEBOX_ROWS_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

#define NO_COUNT INT32_MIN
#define TOO_BRIGHT (-INT32_MAX)
/* Pixels worked on together, whether they are in the row or beyond its end: rows of shoeboxes are about as long. */
#define LANES 32

/* Have the memory deliver the lines of the first and the last byte of a short row. */
static inline void fetch(const void *first, const void *last)
{
    __builtin_prefetch(first);
    __builtin_prefetch(last);
}

/* Of a pixel's claim, in a map of 16 or 32 bits: the highest bit says that the pixel is not to be trusted, the next that
   more than one want it; the rest is the number of the one that is nearest, from 1, or 0 where nobody is. */
#define UNTRUSTED_BIT(CLAIM) ((CLAIM)((CLAIM)1 << (8 * sizeof(CLAIM) - 1)))
#define CONTESTED_BIT(CLAIM) ((CLAIM)((CLAIM)1 << (8 * sizeof(CLAIM) - 2)))

/* Copy n pixels of a row, of which `left` are there to be read, with whose peak each is in: nobody's (0), that of `own`
   (1) or another's (2). Counts below `lowest` and those that are not trusted become NO_COUNT, those of `highest` and
   more TOO_BRIGHT. */
#define COPY_ROW(NAME, COUNT, CLAIM)                                                                                  \
    static inline void NAME##_part(const COUNT *restrict row, const CLAIM *restrict claim, int n, CLAIM own,          \
                                   int32_t lowest, int32_t highest, int32_t *restrict counts, uint8_t *restrict label) \
    {                                                                                                                 \
        for (int i = 0; i < n; i++) {                                                                                 \
            int32_t value = row[i];                                                                                   \
            int32_t is_count = ((claim[i] & UNTRUSTED_BIT(CLAIM)) == 0) & (value >= lowest);                          \
            value = value >= highest ? TOO_BRIGHT : value;                                                            \
            counts[i] = is_count ? value : NO_COUNT;                                                                  \
        }                                                                                                             \
        for (int i = 0; i < n; i++) {                                                                                 \
            CLAIM whose = (CLAIM)(claim[i] & ~UNTRUSTED_BIT(CLAIM));                                                  \
            label[i] = (uint8_t)((whose != 0) + ((whose != 0) & (whose != own)));                                     \
        }                                                                                                             \
    }                                                                                                                 \
    FOR_WIDE_REGISTERS static void NAME(const COUNT *row, const CLAIM *claim, long n, long left, CLAIM own,           \
                                        int32_t lowest, int32_t highest, int32_t *counts, uint8_t *label)             \
    {                                                                                                                 \
        int32_t some_counts[LANES];                                                                                   \
        uint8_t some_label[LANES];                                                                                    \
        for (long i = 0; i < n; i += LANES) {                                                                         \
            int m = n - i < LANES ? (int)(n - i) : LANES;                                                             \
            if (left - i < LANES) {                                                                                   \
                NAME##_part(row + i, claim + i, m, own, lowest, highest, counts + i, label + i);                      \
                continue;                                                                                             \
            }                                                                                                         \
            NAME##_part(row + i, claim + i, LANES, own, lowest, highest, some_counts, some_label);                    \
            memcpy(counts + i, some_counts, (size_t)m * sizeof *counts);                                              \
            memcpy(label + i, some_label, (size_t)m);                                                                 \
        }                                                                                                             \
    }

COPY_ROW(copy_row_16_16, int16_t, uint16_t)
COPY_ROW(copy_row_32_16, int32_t, uint16_t)
COPY_ROW(copy_row_16_32, int16_t, uint32_t)
COPY_ROW(copy_row_32_32, int32_t, uint32_t)

#endif
