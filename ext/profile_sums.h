/* Sums over the pixels of a shoebox with a profile, four at a time. A sum has four parts, which are added in one order:
   they are the same however wide registers are. */
#ifndef AUTOPROC_PROFILE_SUMS_H
#define AUTOPROC_PROFILE_SUMS_H

#include <math.h>
#include <stdint.h>

#include "quads.h"
#include "wide_registers.h"

/* Counts up to it are none: untrusted, and just this one overloaded. */
#define WORST (-INT32_MAX)

enum {
    PIECE = 64,    /* pixels worked on together */
    TILE = 11 * 16 /* what a cell of the grid adds to normal equations, see add_observations */
};

/* The pixels of a frame of a shoebox, and where they lie: (u, v) = transform (x + 0.5 - centre_x, y + 0.5 - centre_y). */
typedef struct {
    double transform[4];
    double centre_x, centre_y;
    int32_t x0, y0, nx, ny;
} footprint;

/* Some of them: the place of each in the frame, and a position (i, j). */
typedef struct {
    int32_t *place;
    double *i, *j;
} pixels;

/* The columns, or rows, that reach up to `reach` px from the centre, of n from `first` on. */
static inline void within(double centre, double reach, int32_t first, int32_t n, int32_t *begin, int32_t *end)
{
    double low = centre - reach - first - 1, high = centre + reach - first + 1;
    *begin = low > 0 ? (low < n ? (int32_t)low : n) : 0;
    *end = high < n ? (high > *begin ? (int32_t)high : *begin) : n;
}

/* Choose the pixels where |u| and |v| are less than `side`, and those within `radius` of the centre. Returns the number of
   the former, and that of the latter in n_near. Their positions are to be filled in. */
FOR_WIDE_REGISTERS static int32_t choose_pixels(const footprint *f, double side, double radius, const pixels *reached,
                                                const pixels *near, int32_t *n_near)
{
    const double *t = f->transform;
    double most = radius * radius, far = (side > radius ? side : radius) / fabs(t[0] * t[3] - t[1] * t[2]);
    int32_t is_reached[PIECE], is_near[PIECE], x_begin, x_end, y_begin, y_end, n = 0, m = 0;
    within(f->centre_x, far * (fabs(t[1]) + fabs(t[3])), f->x0, f->nx, &x_begin, &x_end);
    within(f->centre_y, far * (fabs(t[0]) + fabs(t[2])), f->y0, f->ny, &y_begin, &y_end);
    for (int32_t y = y_begin; y < y_end; y++) {
        double dy = f->y0 + y + 0.5 - f->centre_y;
        for (int32_t x = x_begin; x < x_end; x += PIECE) {
            int32_t length = x_end - x < PIECE ? x_end - x : PIECE, place = y * f->nx + x;
            for (int32_t k = 0; k < length; k++) {
                double dx = f->x0 + x + k + 0.5 - f->centre_x;
                double u = t[0] * dx + t[1] * dy, v = t[2] * dx + t[3] * dy;
                is_reached[k] = (fabs(u) < side) & (fabs(v) < side);
                is_near[k] = u * u + v * v <= most;
            }
            for (int32_t k = 0; k < length; k++) {
                reached->place[n] = place + k;
                n += is_reached[k];
                near->place[m] = place + k;
                m += is_near[k];
            }
        }
    }
    *n_near = m;
    return n;
}

/* Fill in the positions of n pixels: px from the frame's corner. */
FOR_WIDE_REGISTERS static void place_in_frame(const footprint *f, const pixels *chosen, int32_t n)
{
    double rows_a_pixel = 1.0 / f->nx;
    for (int32_t k = 0; k < n; k++) {
        int32_t row = (int32_t)((chosen->place[k] + 0.5) * rows_a_pixel);
        chosen->i[k] = chosen->place[k] - row * f->nx + 0.5;
        chosen->j[k] = row + 0.5;
    }
}

/* u^2 + v^2 of n pixels with positions in px from the frame's corner. */
FOR_WIDE_REGISTERS static void square_distances(const footprint *f, const pixels *chosen, int32_t n, double *square)
{
    const double *t = f->transform;
    for (int32_t k = 0; k < n; k++) {
        double dx = f->x0 + chosen->i[k] - f->centre_x, dy = f->y0 + chosen->j[k] - f->centre_y;
        double u = t[0] * dx + t[1] * dy, v = t[2] * dx + t[3] * dy;
        square[k] = u * u + v * v;
    }
}

/* Fill in the positions of n pixels: (u, v) in units of `spacing` from the grid's corner, which is `middle` of them away. */
FOR_WIDE_REGISTERS static void place_on_grid(const footprint *f, double spacing, double middle, const pixels *chosen,
                                             int32_t n)
{
    double t0 = f->transform[0] / spacing, t1 = f->transform[1] / spacing, t2 = f->transform[2] / spacing;
    double t3 = f->transform[3] / spacing;
    place_in_frame(f, chosen, n);
    for (int32_t k = 0; k < n; k++) {
        double dx = f->x0 + chosen->i[k] - f->centre_x, dy = f->y0 + chosen->j[k] - f->centre_y;
        chosen->i[k] = t0 * dx + t1 * dy + middle;
        chosen->j[k] = t2 * dx + t3 * dy + middle;
    }
}

/* Of up to PIECE pixels, the first of the four splines of a grid's `size` that reach each along an axis, and their values. */
static inline void splines_at(const double *position, int32_t n, int32_t size, int32_t *first, double (*value)[PIECE])
{
    for (int32_t k = 0; k < n; k++) {
        double at = position[k] > 1 ? position[k] : 1; /* rounding may have put it just outside */
        at = at < size - 2 ? at : size - 2;
        int32_t node = (int32_t)at;
        node = node < size - 3 ? node : size - 3;
        double t = at - node, s = 1 - t;
        first[k] = node - 1;
        value[0][k] = s * s * s * (1.0 / 6);
        value[1][k] = (3 * t * t * t - 6 * t * t + 4) * (1.0 / 6);
        value[2][k] = (3 * s * s * s - 6 * s * s + 4) * (1.0 / 6);
        value[3][k] = t * t * t * (1.0 / 6);
    }
}

/* Write the profile's density at n pixels, nowhere below 0, to their places in a frame. Returns its sum. */
FOR_WIDE_REGISTERS static double spread_profile(const double *profile, int32_t size, const pixels *reached, int32_t n,
                                                double *density)
{
    double bu[4][PIECE], bv[4][PIECE], column[4][PIECE], value[PIECE];
    quad total = {0};
    int32_t first_u[PIECE], first_v[PIECE];
    for (int32_t k = 0; k < n; k += PIECE) {
        int32_t length = n - k < PIECE ? n - k : PIECE;
        splines_at(reached->i + k, length, size, first_u, bu);
        splines_at(reached->j + k, length, size, first_v, bv);
        for (int32_t l = 0; l < length; l++) {
            const double *c = profile + (long)first_v[l] * size + first_u[l];
            quad along = (bv[0][l] * QUAD(c) + bv[1][l] * QUAD(c + size))
                         + (bv[2][l] * QUAD(c + 2 * size) + bv[3][l] * QUAD(c + 3 * size));
            for (int m = 0; m < 4; m++)
                column[m][l] = along[m];
        }
        for (int32_t l = 0; l < length; l++) {
            double sum = (bu[0][l] * column[0][l] + bu[1][l] * column[1][l])
                         + (bu[2][l] * column[2][l] + bu[3][l] * column[3][l]);
            value[l] = sum > 0 ? sum : 0;
        }
        for (int32_t l = length; l % PARTS; l++)
            value[l] = 0;
        for (int32_t l = 0; l < length; l += PARTS)
            total += QUAD(value + l);
        for (int32_t l = 0; l < length; l++)
            density[reached->place[k + l]] = value[l];
    }
    return sum_of_parts(&total);
}

/* Pixels of which the peak holds those up to a square; density is that of the profile. */
typedef struct {
    pixels at;
    double *square, *density;
    int32_t n;
} candidates;

/* Fill in the rest of what is known of candidates that are chosen, `density` being that on the frame. There are some more
   up to a whole number of PARTS, which are in no peak. */
FOR_WIDE_REGISTERS static void prepare(const footprint *f, const double *density, const candidates *c)
{
    place_in_frame(f, &c->at, c->n);
    square_distances(f, &c->at, c->n, c->square);
    for (int32_t k = c->n; k % PARTS; k++) {
        c->at.place[k] = c->at.place[0];
        c->at.i[k] = c->at.j[k] = 0;
        c->square[k] = HUGE_VAL;
    }
    for (int32_t k = 0; k < c->n || k % PARTS; k++)
        c->density[k] = density[c->at.place[k]];
}

/* What the peak of a reflection holds: the profile's flux on all of its pixels, and on those that are summed; their counts
   above background and the moments of these about the frame's corner; the numbers of pixels in the peak, of those
   that are no counts, of those overloaded and of those summed. */
typedef struct {
    double expected, captured, raw, x, y;
    int64_t n_foreground, n_bad, n_over, n_summed;
} peak;

/* Add the pixels of a frame, of which the peak holds those up to a square of `most`. Those that are counts and the
   reflection's own are summed, and their profile and counts above background b appended to p and c. */
FOR_WIDE_REGISTERS static void add_frame(const candidates *near, double share, double most, const int32_t *counts,
                                         const uint8_t *label, double b, peak *sums, double *restrict p,
                                         double *restrict c)
{
    quad expected = {0}, captured = {0}, raw = {0}, x = {0}, y = {0};
    truths n_foreground = {0}, n_counts = {0}, n_over = {0}, n_summed = {0};
    double count[PIECE], pixel[PIECE], above[PIECE];
    int64_t is_own[PIECE], is_summed[PIECE], n = sums->n_summed;
    for (int32_t first = 0; first < near->n; first += PIECE) {
        int32_t length = near->n - first < PIECE ? near->n - first : PIECE;
        const int32_t *place = near->at.place + first;
        for (int32_t k = 0; k < length || k % PARTS; k++) {
            count[k] = counts[place[k]];
            is_own[k] = -(int64_t)(label[place[k]] == 1);
        }
        for (int32_t k = 0; k < length; k += PARTS) {
            quad value = QUAD(count + k), flux = QUAD(near->density + first + k) * share, rest = value - b;
            truths is_peak = QUAD(near->square + first + k) <= most, is_count = is_peak & (value > (double)WORST);
            truths is_used = is_count & *(const truths *)(is_own + k);
            quad used = WHERE(is_used, rest);
            n_foreground -= is_peak;
            n_counts -= is_count;
            n_over -= is_peak & (value == (double)WORST);
            n_summed -= is_used;
            expected += WHERE(is_peak, flux);
            captured += WHERE(is_used, flux);
            raw += used;
            x += used * QUAD(near->at.i + first + k);
            y += used * QUAD(near->at.j + first + k);
            *(quad *)(pixel + k) = flux;
            *(quad *)(above + k) = rest;
            *(truths *)(is_summed + k) = is_used;
        }
        for (int32_t k = 0; k < length; k++) {
            p[n] = pixel[k];
            c[n] = above[k];
            n -= is_summed[k];
        }
    }
    sums->expected += sum_of_parts(&expected);
    sums->captured += sum_of_parts(&captured);
    sums->raw += sum_of_parts(&raw);
    sums->x += sum_of_parts(&x);
    sums->y += sum_of_parts(&y);
    sums->n_foreground += number(&n_foreground);
    sums->n_bad += number(&n_foreground) - number(&n_counts);
    sums->n_over += number(&n_over);
    sums->n_summed += number(&n_summed);
}

/* Sums of a profile fit over n pixels, and zeros up to a whole number of PARTS: weights are 1 / (gain (level + intensity
   p)). */
FOR_WIDE_REGISTERS static void fit_sums(const double *restrict p, const double *restrict c, int32_t n, double gain,
                                        double level, double intensity, double *spp, double *spc, double *sp)
{
    quad pp = {0}, pc = {0}, p1 = {0};
    for (int32_t i = 0; i < n; i += PARTS) {
        quad weighted = QUAD(p + i) / (gain * (level + intensity * QUAD(p + i)));
        pp += weighted * QUAD(p + i);
        pc += weighted * QUAD(c + i);
        p1 += weighted;
    }
    *spp = sum_of_parts(&pp);
    *spc = sum_of_parts(&pc);
    *sp = sum_of_parts(&p1);
}

/* Sums of the products of what p and c differ from their means by, over n pixels, and means up to a whole number of
   PARTS. */
FOR_WIDE_REGISTERS static void products(const double *restrict p, const double *restrict c, int32_t n, double mean_p,
                                        double mean_c, double *spp, double *scc, double *spc)
{
    quad pp = {0}, cc = {0}, pc = {0};
    for (int32_t i = 0; i < n; i += PARTS) {
        quad dp = QUAD(p + i) - mean_p, dc = QUAD(c + i) - mean_c;
        pp += dp * dp;
        cc += dc * dc;
        pc += dp * dc;
    }
    *spp = sum_of_parts(&pp);
    *scc = sum_of_parts(&cc);
    *spc = sum_of_parts(&pc);
}

/* Add a frame of n pixels to the sums over frames; a pixel that is no count, or in another's peak, on any is lost. */
FOR_WIDE_REGISTERS static void add_counts(const int32_t *restrict counts, const uint8_t *restrict label, int32_t n,
                                          double *restrict sum, int32_t *restrict is_lost)
{
    for (int32_t k = 0; k < n; k++) {
        sum[k] += counts[k];
        is_lost[k] |= (counts[k] <= WORST) | (label[k] == 2);
    }
}

/* A shoebox that teaches a profile: flux on its frames times the area of a pixel, background of all frames on a pixel and
   that background's variance, of photons and readout, variance of a photon, squared scatter of single profiles. */
typedef struct {
    double total, background, background_variance, gain, scatter;
} lesson;

/* Add n pixels, summed over frames, to the equations of the cells of the grid that they lie in, (size - 3)^2 of them.
   A cell's are 10 rows, one for each pair a <= b of the splines along v, of the 16 products along u, and the right side. */
FOR_WIDE_REGISTERS static void add_observations(const pixels *reached, int32_t n, int32_t size, double spacing,
                                                double middle, const double *restrict sum, const int32_t *restrict is_lost,
                                                const lesson *from, double *restrict tiles)
{
    double bu[4][PIECE], bv[4][PIECE], guess[PIECE], weight[PIECE], value[PIECE], total = from->total;
    int32_t first_u[PIECE], first_v[PIECE];
    for (int32_t k = 0; k < n; k += PIECE) {
        int32_t length = n - k < PIECE ? n - k : PIECE;
        splines_at(reached->i + k, length, size, first_u, bu);
        splines_at(reached->j + k, length, size, first_v, bv);
        for (int32_t l = 0; l < length; l++) {
            double i = reached->i[k + l] - middle, j = reached->j[k + l] - middle;
            guess[l] = exp(-0.5 * spacing * spacing * (i * i + j * j)) / 6.283185307179586;
            value[l] = sum[reached->place[k + l]] - from->background;
        }
        for (int32_t l = 0; l < length; l++) {
            double variance = from->gain * (guess[l] * total + from->background_variance + 1e-3);
            variance += from->scatter * total * total * (guess[l] * guess[l] + 1e-5);
            weight[l] = total * total / variance;
            value[l] = value[l] / total;
        }
        for (int32_t l = 0; l < length; l++) {
            double *tile = tiles + ((long)first_v[l] * (size - 3) + first_u[l]) * TILE;
            quad u = {bu[0][l], bu[1][l], bu[2][l], bu[3][l]}, weighted = weight[l] * u;
            quad products[4] = {weighted * bu[0][l], weighted * bu[1][l], weighted * bu[2][l], weighted * bu[3][l]};
            if (is_lost[reached->place[k + l]])
                continue;
            for (int a = 0; a < 4; a++)
                for (int b = a; b < 4; b++) {
                    double along = bv[a][l] * bv[b][l];
                    for (int m = 0; m < 4; m++, tile += 4)
                        *(quad *)tile += along * products[m];
                }
            for (int a = 0; a < 4; a++, tile += 4)
                *(quad *)tile += value[l] * bv[a][l] * weighted;
        }
    }
}

/* Add the equations of cells to those of the spline coefficients, size^2 of them. */
static inline void add_tiles(const double *tiles, long size, double *normal, double *right)
{
    static const int pair[4][4] = {{0, 1, 2, 3}, {1, 4, 5, 6}, {2, 5, 7, 8}, {3, 6, 8, 9}};
    for (long cell = 0; cell < (size - 3) * (size - 3); cell++) {
        const double *tile = tiles + cell * TILE;
        long first = cell / (size - 3) * size + cell % (size - 3);
        for (int n = 0; n < 16; n++) {
            double *row = normal + (first + n / 4 * size + n % 4) * size * size + first;
            right[first + n / 4 * size + n % 4] += tile[160 + n];
            for (int m = 0; m < 16; m++)
                row[m / 4 * size + m % 4] += tile[16 * pair[n / 4][m / 4] + 4 * (n % 4) + m % 4];
        }
    }
}

#endif
