/* Codes of counts, and the highest of every four of them, a row or two at a time. Code 0 is no count, the highest code
   of a type an overload; in between are the counts from `lowest` on. */
#ifndef AUTOPROC_MAX_POOL_H
#define AUTOPROC_MAX_POOL_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

/* The codes of a row of counts, of which those above `last` are overloads; `good` is 0 where there is no count. Codes
   may take the place of counts of their width. Returns whether the code of a count is as high as that of overloads, or
   higher, which none can be where counts have the width of the codes and `lowest` is above the type's two lowest.
   LANES counts are looked at together; the bits of an overload are all set, as those of a comparison that is true. */
#define CODE_ROW(NAME, LANES, COUNT, UNSIGNED, CODE)                                                                   \
    typedef uint8_t NAME##_flags __attribute__((vector_size(LANES)));                                                  \
    typedef COUNT NAME##_counts __attribute__((vector_size(LANES * sizeof(COUNT))));                                   \
    typedef UNSIGNED NAME##_wide __attribute__((vector_size(LANES * sizeof(COUNT))));                                  \
    typedef CODE NAME##_codes __attribute__((vector_size(LANES * sizeof(CODE))));                                      \
    FOR_WIDE_REGISTERS static int NAME(const COUNT *row, const uint8_t *good, long n, COUNT lowest, COUNT last,        \
                                       CODE *codes)                                                                    \
    {                                                                                                                  \
        const UNSIGNED below = (UNSIGNED)((UNSIGNED)lowest - 1);                                                       \
        NAME##_wide beyond = {0};                                                                                      \
        long i = 0;                                                                                                    \
        for (; i + LANES <= n; i += LANES) {                                                                           \
            NAME##_counts v;                                                                                           \
            NAME##_flags flag;                                                                                         \
            memcpy(&v, row + i, sizeof v);                                                                             \
            memcpy(&flag, good + i, sizeof flag);                                                                      \
            NAME##_wide is_there = (NAME##_wide)(__builtin_convertvector(flag, NAME##_counts) != 0);                   \
            NAME##_wide is_good = is_there & (NAME##_wide)(v >= lowest);                                               \
            NAME##_wide is_over = is_good & (NAME##_wide)(v > last);                                                   \
            NAME##_wide code = (((NAME##_wide)v - below) & is_good) | is_over;                                         \
            beyond |= ~is_over & (NAME##_wide)(code >= (CODE)-1);                                                      \
            NAME##_codes narrow = __builtin_convertvector(code, NAME##_codes);                                         \
            memcpy(codes + i, &narrow, sizeof narrow);                                                                 \
        }                                                                                                              \
        int is_beyond = 0;                                                                                             \
        for (int k = 0; k < LANES; k++)                                                                                \
            is_beyond |= beyond[k] != 0;                                                                               \
        for (; i < n; i++) {                                                                                           \
            COUNT v = row[i];                                                                                          \
            UNSIGNED code = good[i] && v >= lowest ? (UNSIGNED)((UNSIGNED)v - below) : 0;                              \
            int is_over = good[i] && v >= lowest && v > last;                                                          \
            is_beyond |= !is_over && code >= (CODE)-1;                                                                 \
            codes[i] = is_over ? (CODE)-1 : (CODE)code;                                                                \
        }                                                                                                              \
        return is_beyond;                                                                                              \
    }

CODE_ROW(code_row_16_16, 16, int16_t, uint16_t, uint16_t)
CODE_ROW(code_row_32_16, 8, int32_t, uint32_t, uint16_t)
CODE_ROW(code_row_32_32, 8, int32_t, uint32_t, uint32_t)

#define LARGER(a, b) ((a) > (b) ? (a) : (b))

/* Of two rows of n codes, the highest of every 2 x 2; the last of an odd number stands for itself. */
#define POOL_ROWS(NAME, CODE)                                                                                          \
    FOR_WIDE_REGISTERS static void NAME(const CODE *above, const CODE *under, long n, CODE *restrict pooled)           \
    {                                                                                                                  \
        for (long i = 0; i < n / 2; i++) {                                                                             \
            CODE left = LARGER(above[2 * i], under[2 * i]), right = LARGER(above[2 * i + 1], under[2 * i + 1]);        \
            pooled[i] = LARGER(left, right);                                                                           \
        }                                                                                                              \
        if (n % 2)                                                                                                     \
            pooled[n / 2] = LARGER(above[n - 1], under[n - 1]);                                                        \
    }

POOL_ROWS(pool_rows_16, uint16_t)
POOL_ROWS(pool_rows_32, uint32_t)

#endif
