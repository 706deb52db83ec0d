/* Rows of pixels copied into shoeboxes, many pixels at a time. */
#ifndef AUTOPROC_SHOEBOX_ROWS_H
#define AUTOPROC_SHOEBOX_ROWS_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

#define NO_COUNT INT32_MIN
#define TOO_BRIGHT (-INT32_MAX)
/* Pixels worked on together, whether they are in the row or beyond its end. */
#define LANES 8

typedef int32_t eight_numbers __attribute__((vector_size(4 * LANES)));
typedef uint8_t eight_labels __attribute__((vector_size(LANES)));
typedef int16_t eight_16 __attribute__((vector_size(2 * LANES)));
typedef eight_numbers eight_32;

/* Of a pixel's claim, in a map of 16 or 32 bits: the highest bit says that the pixel is not to be trusted, the next that
   more than one want it; the rest is the number of the one that is nearest, from 1, or 0 where nobody is. */
#define UNTRUSTED_BIT(CLAIM) ((CLAIM)((CLAIM)1 << (8 * sizeof(CLAIM) - 1)))
#define CONTESTED_BIT(CLAIM) ((CLAIM)((CLAIM)1 << (8 * sizeof(CLAIM) - 2)))

/* A part of a detector, n pixels on each of n_rows; `pitch` from row to row on the frame, of which `left` pixels are there
   to be read from the first on, and `width` in the shoebox. */
typedef struct {
    long n_rows, n, pitch, left, width;
} part_of_frame;

/* Copy part of a frame with whose peak each pixel is in: nobody's (0), that of `own` (1) or another's (2). Counts below
   `lowest` and those that are not trusted become NO_COUNT, those of `highest` and more TOO_BRIGHT. Where rows are as wide as
   the shoebox, some are written beyond their ends, and then overwritten by the next. */
#define COPY_ROWS(NAME, COUNT, CLAIM, COUNTS, CLAIMS)                                                                 \
    static inline void NAME##_eight(const COUNT *row, const CLAIM *claim, CLAIM own, int32_t lowest, int32_t highest, \
                                    int32_t *counts, uint8_t *label)                                                  \
    {                                                                                                                 \
        COUNTS value;                                                                                                 \
        CLAIMS whose;                                                                                                 \
        memcpy(&value, row, sizeof value);                                                                            \
        memcpy(&whose, claim, sizeof whose);                                                                          \
        CLAIMS holder = whose & (__typeof__(whose[0]))~UNTRUSTED_BIT(CLAIM), is_peak = holder != 0;                   \
        CLAIMS is_others = is_peak & (holder != (__typeof__(whose[0]))own), is_untrusted = whose < 0;                 \
        eight_labels labels = __builtin_convertvector(-is_peak - is_others, eight_labels);                            \
        eight_numbers number = __builtin_convertvector(value, eight_numbers), is_bright = number >= highest;          \
        eight_numbers is_none = __builtin_convertvector(is_untrusted, eight_numbers) | (number < lowest);             \
        number = (number & ~is_bright) | (is_bright & TOO_BRIGHT);                                                    \
        number = (number & ~is_none) | (is_none & NO_COUNT);                                                          \
        memcpy(counts, &number, sizeof number);                                                                       \
        memcpy(label, &labels, sizeof labels);                                                                        \
    }                                                                                                                 \
    FOR_WIDE_REGISTERS static void NAME(const COUNT *row, const CLAIM *claim, const part_of_frame *part, CLAIM own,   \
                                        int32_t lowest, int32_t highest, int32_t *counts, uint8_t *label)             \
    {                                                                                                                 \
        long n = part->n, whole = (n + LANES - 1) / LANES * LANES;                                                    \
        long writable = n == part->width ? part->n_rows * part->width : 0;                                            \
        COUNT some_row[LANES] = {0};                                                                                  \
        CLAIM some_claim[LANES] = {0};                                                                                \
        int32_t some_counts[LANES];                                                                                   \
        uint8_t some_label[LANES];                                                                                    \
        for (long r = 0; r < part->n_rows; r++) {                                                                     \
            long from = r * part->pitch, to = r * part->width, i = 0;                                                 \
            long end = from + whole <= part->left && to + whole <= writable ? whole : n / LANES * LANES;              \
            for (; i < end; i += LANES)                                                                               \
                NAME##_eight(row + from + i, claim + from + i, own, lowest, highest, counts + to + i, label + to + i); \
            if (i >= n)                                                                                               \
                continue;                                                                                             \
            memcpy(some_row, row + from + i, (size_t)(n - i) * sizeof *row);                                          \
            memcpy(some_claim, claim + from + i, (size_t)(n - i) * sizeof *claim);                                    \
            NAME##_eight(some_row, some_claim, own, lowest, highest, some_counts, some_label);                        \
            memcpy(counts + to + i, some_counts, (size_t)(n - i) * sizeof *counts);                                   \
            memcpy(label + to + i, some_label, (size_t)(n - i));                                                      \
        }                                                                                                             \
    }

COPY_ROWS(copy_rows_16_16, int16_t, uint16_t, eight_16, eight_16)
COPY_ROWS(copy_rows_32_16, int32_t, uint16_t, eight_32, eight_16)
COPY_ROWS(copy_rows_16_32, int16_t, uint32_t, eight_16, eight_32)
COPY_ROWS(copy_rows_32_32, int32_t, uint32_t, eight_32, eight_32)

#endif
