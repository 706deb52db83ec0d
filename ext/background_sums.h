/* Sums over frames of each pixel's background, many pixels at a time. */
#ifndef AUTOPROC_BACKGROUND_SUMS_H
#define AUTOPROC_BACKGROUND_SUMS_H

#include <stdint.h>

#include "wide_registers.h"

/* Add n pixels of one frame: those from `lowest` to their cap to total and number, those above it to n_bright; those
   that are not trusted to nothing. */
#define ADD_PIXELS(NAME, COUNT)                                                                                       \
    FOR_WIDE_REGISTERS static void NAME(const COUNT *restrict image, const uint8_t *restrict trusted,                 \
                                        const int32_t *restrict cap, long n, int32_t lowest, double *restrict total,  \
                                        int32_t *restrict number, int32_t *restrict n_bright)                         \
    {                                                                                                                 \
        for (long i = 0; i < n; i++) {                                                                                \
            int32_t v = image[i];                                                                                     \
            int32_t is_count = (trusted[i] != 0) & (v >= lowest);                                                     \
            int32_t is_bright = is_count & (v > cap[i]);                                                              \
            int32_t is_background = is_count & (v <= cap[i]);                                                         \
            total[i] += is_background ? v : 0;                                                                        \
            number[i] = (int32_t)((uint32_t)number[i] + (uint32_t)is_background);                                     \
            n_bright[i] = (int32_t)((uint32_t)n_bright[i] + (uint32_t)is_bright);                                     \
        }                                                                                                             \
    }

ADD_PIXELS(add_pixels_16, int16_t)
ADD_PIXELS(add_pixels_32, int32_t)

#endif
