/* Sums over frames of each pixel's background, many pixels at a time. */
#ifndef AUTOPROC_BACKGROUND_SUMS_H
#define AUTOPROC_BACKGROUND_SUMS_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

/* Pixels whose sums stay in a core's nearest cache while the frames of a run are added, one after the other. */
#define STRIP 2048
/* Of 16 bits, worked on together. */
#define LANES 16

typedef int16_t small_counts __attribute__((vector_size(2 * LANES), may_alias));

/* Add n pixels of one frame: those from `lowest` to their cap to total and number, those above it to n_bright; those
   that are not trusted to nothing. */
#define ADD_PIXELS(NAME, COUNT)                                                                                       \
    FOR_WIDE_REGISTERS static void NAME(const COUNT *restrict image, const uint8_t *restrict trusted,                 \
                                        const int32_t *restrict cap, long n, int32_t lowest, int32_t *restrict total,  \
                                        uint16_t *restrict number, uint16_t *restrict n_bright)                         \
    {                                                                                                                 \
        for (long i = 0; i < n; i++) {                                                                                \
            int32_t v = image[i];                                                                                     \
            int32_t is_count = (trusted[i] != 0) & (v >= lowest);                                                     \
            int32_t is_bright = is_count & (v > cap[i]);                                                              \
            int32_t is_background = is_count & (v <= cap[i]);                                                         \
            total[i] = (int32_t)((uint32_t)total[i] + (uint32_t)(is_background ? v : 0));                                                                        \
            number[i] = (uint16_t)(number[i] + (uint32_t)is_background);                                     \
            n_bright[i] = (uint16_t)(n_bright[i] + (uint32_t)is_bright);                                     \
        }                                                                                                             \
    }

ADD_PIXELS(add_pixels_16, int16_t)
ADD_PIXELS(add_pixels_32, int32_t)

/* Add n pixels, at most STRIP, of several frames in 16 bits, to which their sums are cut short: where
   n_frames (the highest cap or -lowest) is within them. Returns whether that was so; if not, nothing is added. */
FOR_WIDE_REGISTERS static int add_small_counts(const int16_t *const *frames, int n_frames, long begin,
                                               const uint8_t *restrict trusted, const int32_t *restrict cap, long n,
                                               int32_t lowest, int32_t *restrict total, uint16_t *restrict number,
                                               uint16_t *restrict n_bright)
{
    small_counts below[STRIP / LANES], top[STRIP / LANES], sum[STRIP / LANES], counted[STRIP / LANES];
    small_counts bright[STRIP / LANES];
    int32_t highest = 0;
    for (long i = 0; i < n; i++)
        highest = cap[i] > highest ? cap[i] : highest;
    if (lowest < -INT16_MAX / 64 || lowest > INT16_MAX || (int64_t)highest * n_frames > INT16_MAX)
        return 0;
    for (long i = 0; i < n; i++) {
        ((int16_t *)below)[i] = trusted[i] ? (int16_t)(lowest - 1) : INT16_MAX;
        ((int16_t *)top)[i] = cap[i] > INT16_MIN ? (int16_t)cap[i] : INT16_MIN;
    }
    memset(sum, 0, sizeof sum);
    memset(counted, 0, sizeof counted);
    memset(bright, 0, sizeof bright);
    for (int k = 0; k < n_frames; k++) {
        const int16_t *restrict image = frames[k] + begin;
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            small_counts v;
            memcpy(&v, image + i, sizeof v);
            small_counts is_count = v > below[i / LANES], is_bright = v > top[i / LANES];
            bright[i / LANES] -= is_count & is_bright;
            counted[i / LANES] -= is_count & ~is_bright;
            sum[i / LANES] += v & is_count & ~is_bright;
        }
        for (long j = i / LANES; i < n; i++) {
            int is_count = image[i] > below[j][i % LANES], is_bright = image[i] > top[j][i % LANES];
            bright[j][i % LANES] += is_count & is_bright;
            counted[j][i % LANES] += is_count & !is_bright;
            sum[j][i % LANES] += is_count & !is_bright ? image[i] : 0;
        }
    }
    for (long i = 0; i < n; i++) {
        total[i] = (int32_t)((uint32_t)total[i] + (uint32_t)((int16_t *)sum)[i]);
        number[i] = (uint16_t)(number[i] + (uint32_t)((int16_t *)counted)[i]);
        n_bright[i] = (uint16_t)(n_bright[i] + (uint32_t)((int16_t *)bright)[i]);
    }
    return 1;
}

#endif
