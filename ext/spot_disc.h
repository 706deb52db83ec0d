/* What a frame shows of a spot within a disc, above the ring around it, four pixels at a time. */
#ifndef AUTOPROC_SPOT_DISC_H
#define AUTOPROC_SPOT_DISC_H

#include <math.h>
#include <stdint.h>

#include "quads.h"
#include "wide_registers.h"

/* Above all counts: what is no pixel of a ring. */
#define NO_PIXEL 1e300
/* Pixels of a ring that tell the background, at least. */
#define LEAST_IN_RING 10

/* The part of a frame about a spot, x0 <= x < x1 and y0 <= y < y1, `pitch` pixels from row to row; the spot's centre, px,
   and the squares of the disc's radius and of the ring's; counts that a pixel may have, from lowest and below highest;
   variance of counts over their mean, and what the readout adds to it. */
typedef struct {
    long x0, x1, y0, y1, pitch;
    double centre_x, centre_y, inner2, outer2, lowest, highest, gain, noise;
} disc;

/* Flux above the mean of the ring; sums of flux x^2, x y and y^2 from the centre, px; a pixel is bad, or the ring is not
   known. */
typedef struct {
    double flux, xx, xy, yy;
    int32_t is_bad;
} disc_sums;

static inline long padded(long n) { return (n + PARTS - 1) / PARTS * PARTS; }

/* The mean of n numbers, a whole number of PARTS, that are counts: of all, then twice of those within 3 standard deviations
   and a photon of it. Sums of counts are exact. */
FOR_WIDE_REGISTERS static double mean_of_ring(const double *restrict ring, long n, const disc *d, int64_t *n_used)
{
    double mean = 0, limit = 0.5 * NO_PIXEL;
    for (int step = 0; step < 3; step++) {
        quad total = {0};
        truths many = {0};
        if (step > 0)
            limit = mean + 3 * sqrt(d->gain * (mean > 0 ? mean : 0) + d->noise) + d->gain;
        for (long i = 0; i < n; i += PARTS) {
            quad value = QUAD(ring + i);
            truths is_in = value <= limit;
            total += WHERE(is_in, value);
            many -= is_in;
        }
        *n_used = number(&many);
        mean = *n_used > 0 ? sum_of_parts(&total) / (double)*n_used : 0;
    }
    return mean;
}

/* Sums over the pixels of a frame that are in the disc. ring, inside : work space, padded(x1 - x0) (y1 - y0) numbers. */
#define DISC_SUMS(NAME, COUNT)                                                                                        \
    FOR_WIDE_REGISTERS static void NAME(const COUNT *image, const uint8_t *trusted, const disc *d, double *restrict ring, \
                                        double *restrict inside, disc_sums *sums)                                     \
    {                                                                                                                 \
        long width = d->x1 - d->x0, pitch = padded(width), height = d->y1 - d->y0;                                    \
        int32_t is_bad = 0;                                                                                           \
        int64_t n_ring;                                                                                               \
        for (long y = 0; y < height; y++) {                                                                           \
            const COUNT *restrict row = image + (d->y0 + y) * d->pitch + d->x0;                                       \
            const uint8_t *restrict good = trusted + (d->y0 + y) * d->pitch + d->x0;                                  \
            double dy = (double)(d->y0 + y) + 0.5 - d->centre_y;                                                      \
            double *restrict around = ring + y * pitch, *restrict within = inside + y * pitch;                        \
            for (int32_t x = 0; x < (int32_t)width; x++) {                                                            \
                double dx = (double)((int32_t)d->x0 + x) + 0.5 - d->centre_x, r2 = dx * dx + dy * dy, value = row[x]; \
                int32_t is_count = (good[x] != 0) & (value >= d->lowest);                                             \
                int32_t is_inside = r2 < d->inner2, is_whole = is_count & (value < d->highest);                       \
                around[x] = is_count & (r2 >= d->inner2) & (r2 <= d->outer2) ? value : NO_PIXEL;                      \
                within[x] = is_inside & is_whole ? value : NO_PIXEL;                                                  \
                is_bad |= is_inside & !is_whole;                                                                      \
            }                                                                                                         \
            for (long x = width; x < pitch; x++)                                                                      \
                around[x] = within[x] = NO_PIXEL;                                                                     \
        }                                                                                                             \
        double mean = mean_of_ring(ring, height * pitch, d, &n_ring);                                                 \
        quad flux = {0}, xx = {0}, xy = {0}, yy = {0};                                                                \
        for (long y = 0; y < height; y++) {                                                                           \
            double dy = (double)(d->y0 + y) + 0.5 - d->centre_y, first = (double)d->x0 + 0.5 - d->centre_x;           \
            quad dx = {first, first + 1, first + 2, first + 3};                                                       \
            for (long x = 0; x < pitch; x += PARTS) {                                                                 \
                quad value = QUAD(inside + y * pitch + x), c = WHERE(value < NO_PIXEL, value - mean), along = c * dx; \
                flux += c;                                                                                            \
                xx += along * dx;                                                                                     \
                xy += along * dy;                                                                                     \
                yy += c * (dy * dy);                                                                                  \
                dx += PARTS;                                                                                          \
            }                                                                                                         \
        }                                                                                                             \
        sums->flux = sum_of_parts(&flux);                                                                             \
        sums->xx = sum_of_parts(&xx);                                                                                 \
        sums->xy = sum_of_parts(&xy);                                                                                 \
        sums->yy = sum_of_parts(&yy);                                                                                 \
        sums->is_bad = is_bad | (n_ring < LEAST_IN_RING);                                                             \
    }

DISC_SUMS(disc_sums_16, int16_t)
DISC_SUMS(disc_sums_32, int32_t)

#endif
