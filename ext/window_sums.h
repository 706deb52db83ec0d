/* Sums over windows of pixels for many columns at a time, in loops that the compiler can make wide. */
#ifndef AUTOPROC_WINDOW_SUMS_H
#define AUTOPROC_WINDOW_SUMS_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

/* Columns of a row that are looked at together: whether one of their counts is more than dull. */
#define SEGMENT 16

/* Set `seen` of each SEGMENT of a row to whether a pixel, good or not, holds more than `dull`. */
#define SEE_ROW(NAME, COUNT)                                                                                          \
    typedef COUNT NAME##_pixels __attribute__((vector_size(SEGMENT * sizeof(COUNT))));                                \
    typedef uint64_t NAME##_words __attribute__((vector_size(SEGMENT * sizeof(COUNT))));                              \
    FOR_WIDE_REGISTERS static void NAME(const COUNT *row, int w, COUNT dull, uint8_t *seen)                           \
    {                                                                                                                 \
        int i = 0;                                                                                                    \
        for (; i + SEGMENT <= w; i += SEGMENT) {                                                                      \
            NAME##_pixels v;                                                                                          \
            memcpy(&v, row + i, sizeof v);                                                                            \
            NAME##_words any = (NAME##_words)(v > dull);                                                              \
            uint64_t word = 0;                                                                                        \
            for (unsigned k = 0; k < sizeof v / sizeof word; k++)                                                     \
                word |= any[k];                                                                                       \
            seen[i / SEGMENT] = word != 0;                                                                            \
        }                                                                                                             \
        for (int first = i; i < w; i++)                                                                               \
            seen[first / SEGMENT] = (uint8_t)((i > first && seen[first / SEGMENT]) | (row[i] > dull));                \
    }

SEE_ROW(see_row_16, int16_t)
SEE_ROW(see_row_32, int32_t)

/* Put a row into the sums of each column, in place of the row that leaves the window: the one kept in `value` and `use`
   until now. Counts are cut at -clip and clip. Returns whether any is overloaded. */
#define ADD_ROW(NAME, COUNT)                                                                                          \
    FOR_WIDE_REGISTERS static int32_t NAME(const COUNT *restrict row, const uint8_t *restrict good, int w,            \
                                           int32_t lowest, int32_t overload, int32_t clip, int32_t *restrict value,   \
                                           uint8_t *restrict use, int32_t *restrict n, int32_t *restrict x,           \
                                           int32_t *restrict y)                                                       \
    {                                                                                                                 \
        int32_t any = 0;                                                                                              \
        for (int i = 0; i < w; i++) {                                                                                 \
            int32_t v = row[i];                                                                                       \
            int32_t is_good = (good[i] != 0) & (v >= lowest);                                                         \
            any |= is_good & (v >= overload);                                                                         \
            v = v > clip ? clip : v;                                                                                  \
            v = v < -clip ? -clip : v;                                                                                \
            v = is_good ? v : 0;                                                                                      \
            int32_t old = value[i];                                                                                   \
            n[i] += is_good - (int32_t)use[i];                                                                        \
            x[i] += v - old;                                                                                          \
            y[i] += v * v - old * old;                                                                                \
            value[i] = v;                                                                                             \
            use[i] = (uint8_t)is_good;                                                                                \
        }                                                                                                             \
        return any;                                                                                                   \
    }

ADD_ROW(add_row_16, int16_t)
ADD_ROW(add_row_32, int32_t)

/* What makes a window suspicious, in single precision, which is given the benefit of the doubt; so are windows whose
   squares add up to `most` or more, where counts may have been cut. */
typedef struct {
    float allowed_0, allowed_1, readout_0, readout_1;
    int32_t most;
} suspicion;

static inline int32_t is_suspicious(int32_t n, int32_t x, int32_t y, const suspicion *s)
{
    float fn = (float)n, fx = (float)x, fy = (float)y;
    float limit = (s->allowed_0 + s->allowed_1 * fn) * fx;
    limit = limit > 0.0f ? limit : 0.0f;
    return (fn * fy * 1.00001f > limit + fx * fx + (s->readout_0 + s->readout_1 * fn) * fn) | (y >= s->most);
}

/* Flag each pixel whose window may have n y - x x - readout > max(allowed x, 0), and some others near that: `allowed`
   is at least allowed_0 + allowed_1 n, readout at least (readout_0 + readout_1 n) n. n, x, y start at the first column of
   the first pixel's window, which is `size` wide. Returns whether any is. */
FOR_WIDE_REGISTERS static int32_t screen_row(const int32_t *restrict n, const int32_t *restrict x,
                                             const int32_t *restrict y, const uint8_t *restrict use, int w, int size,
                                             suspicion s, uint8_t *restrict flag)
{
    int32_t any = 0;
    if (size == 7) { /* the usual size, unrolled: many pixels at a time */
        for (int i = 0; i < w; i++) {
            int32_t sn = n[i] + n[i + 1] + n[i + 2] + n[i + 3] + n[i + 4] + n[i + 5] + n[i + 6];
            int32_t sx = x[i] + x[i + 1] + x[i + 2] + x[i + 3] + x[i + 4] + x[i + 5] + x[i + 6];
            int32_t sy = y[i] + y[i + 1] + y[i + 2] + y[i + 3] + y[i + 4] + y[i + 5] + y[i + 6];
            int32_t is_high = is_suspicious(sn, sx, sy, &s) & (use[i] != 0);
            flag[i] = (uint8_t)is_high;
            any |= is_high;
        }
        return any;
    }
    for (int i = 0; i < w; i++) {
        int32_t sn = 0, sx = 0, sy = 0;
        for (int k = 0; k < size; k++) {
            sn += n[i + k];
            sx += x[i + k];
            sy += y[i + k];
        }
        flag[i] = (uint8_t)(is_suspicious(sn, sx, sy, &s) & (use[i] != 0));
        any |= flag[i];
    }
    return any;
}

/* How often segments were seen in the rows of a window, from the row that comes and the one that goes; `near` is set
   for them and their neighbours. */
FOR_WIDE_REGISTERS static void count_segments(const uint8_t *restrict came, const uint8_t *restrict went, int n,
                                              uint8_t *restrict often, uint8_t *restrict near)
{
    for (int s = 0; s < n; s++)
        often[s + 1] = (uint8_t)(often[s + 1] + came[s] - went[s]);
    for (int s = 0; s < n; s++)
        near[s] = (uint8_t)((often[s] | often[s + 1] | often[s + 2]) != 0);
}

/* Of each column, whether it and its neighbours within `radius` are flagged (bit 1) in all of n rows. `whole` is work
   space of w + 2 radius; there is nothing beyond the edges that could be missing. Returns whether any is. */
FOR_WIDE_REGISTERS static int32_t core_row(const uint8_t *restrict rows, int n, int stride, int w, int radius,
                                           uint8_t *restrict whole, uint8_t *restrict core)
{
    int32_t any = 0;
    for (int k = 0; k < radius; k++)
        whole[k] = whole[radius + w + k] = 1;
    for (int i = 0; i < w; i++)
        whole[radius + i] = rows[i] & 1;
    for (int k = 1; k < n; k++)
        for (int i = 0; i < w; i++)
            whole[radius + i] &= rows[(long)k * stride + i];
    for (int i = 0; i < w; i++)
        core[i] = whole[i];
    for (int k = 1; k <= 2 * radius; k++)
        for (int i = 0; i < w; i++)
            core[i] &= whole[i + k];
    for (int i = 0; i < w; i++)
        any |= core[i];
    return any;
}

#endif
