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

/* Copy n pixels of a row, of which `left` are there to be read, with whose peak each is in: nobody's (0), that of `own`
   (1) or another's (2). Counts below `lowest` and those that are not trusted become NO_COUNT, those of `highest` and
   more TOO_BRIGHT. */
#define COPY_ROW(NAME, COUNT)                                                                                         \
    static inline void NAME##_part(const COUNT *restrict row, const uint8_t *restrict trusted,                        \
                                   const int32_t *restrict owner, int n, int32_t own, int32_t lowest,                 \
                                   int32_t highest, int32_t *restrict counts, uint8_t *restrict label)                \
    {                                                                                                                 \
        for (int i = 0; i < n; i++) {                                                                                 \
            int32_t value = row[i];                                                                                   \
            int32_t is_count = (trusted[i] != 0) & (value >= lowest);                                                 \
            value = value >= highest ? TOO_BRIGHT : value;                                                            \
            counts[i] = is_count ? value : NO_COUNT;                                                                  \
        }                                                                                                             \
        for (int i = 0; i < n; i++)                                                                                   \
            label[i] = (uint8_t)((owner[i] != -1) + ((owner[i] != -1) & (owner[i] != own)));                          \
    }                                                                                                                 \
    FOR_WIDE_REGISTERS static void NAME(const COUNT *row, const uint8_t *trusted, const int32_t *owner, long n,       \
                                        long left, int32_t own, int32_t lowest, int32_t highest, int32_t *counts,     \
                                        uint8_t *label)                                                               \
    {                                                                                                                 \
        int32_t some_counts[LANES];                                                                                   \
        uint8_t some_label[LANES];                                                                                    \
        for (long i = 0; i < n; i += LANES) {                                                                         \
            int m = n - i < LANES ? (int)(n - i) : LANES;                                                             \
            if (left - i < LANES) {                                                                                   \
                NAME##_part(row + i, trusted + i, owner + i, m, own, lowest, highest, counts + i, label + i);         \
                continue;                                                                                             \
            }                                                                                                         \
            NAME##_part(row + i, trusted + i, owner + i, LANES, own, lowest, highest, some_counts, some_label);       \
            memcpy(counts + i, some_counts, (size_t)m * sizeof *counts);                                              \
            memcpy(label + i, some_label, (size_t)m);                                                                 \
        }                                                                                                             \
    }

COPY_ROW(copy_row_16, int16_t)
COPY_ROW(copy_row_32, int32_t)

#endif
