/* Sums over windows of pixels, for eight columns at a time, and only where they are asked for. */
#ifndef AUTOPROC_WINDOW_SUMS_H
#define AUTOPROC_WINDOW_SUMS_H

#include <stdint.h>

#include "rows_of_bits.h"
#include "wide_registers.h"

enum {
    SEGMENT = 8, /* columns that are summed together */
    MARGIN = 16, /* columns of zeros beside the sums, not fewer than half a window */
    NUMBERS = 512
};

typedef int32_t lanes_t __attribute__((vector_size(4 * SEGMENT)));
typedef int32_t half_lanes_t __attribute__((vector_size(2 * SEGMENT)));
typedef int64_t wide_lanes_t __attribute__((vector_size(4 * SEGMENT))); /* of half as many */
typedef float float_lanes_t __attribute__((vector_size(4 * SEGMENT)));
typedef uint64_t word_lanes_t __attribute__((vector_size(4 * SEGMENT)));
typedef int16_t narrow_lanes_t __attribute__((vector_size(2 * SEGMENT)));

/* Read or written where they are, in one move: copies of so many bytes may be made in two, which the next waits for. */
typedef lanes_t lanes_anywhere_t __attribute__((aligned(4), may_alias));
typedef wide_lanes_t wide_lanes_anywhere_t __attribute__((aligned(8), may_alias));
typedef narrow_lanes_t narrow_lanes_anywhere_t __attribute__((aligned(2), may_alias));
#define LANES(place) (*(lanes_anywhere_t *)(place))

#define INLINE static inline __attribute__((always_inline))
#define BIT_OF_LANE ((lanes_t){1, 2, 4, 8, 16, 32, 64, 128})

/* An image of int32 (is_wide) or int16, of which good pixels from `lowest` on count; n_words hold the bits of a row.
   is_high : of each row, not 0 where a count of it may have to be cut */
typedef struct {
    const void *counts;
    const uint64_t *good;
    const uint8_t *is_high;
    long height, width, n_words;
    int is_wide;
    int32_t lowest;
} image_t;

static inline int32_t count_at(const image_t *image, long place)
{
    return image->is_wide ? ((const int32_t *)image->counts)[place] : ((const int16_t *)image->counts)[place];
}

static inline int is_good_at(const image_t *image, long row, long column)
{
    return image->good[row * image->n_words + column / WORD] >> column % WORD & 1
           && count_at(image, row * image->width + column) >= image->lowest;
}

INLINE int has_bits(const uint64_t *row, long segment)
{
    return (row[segment / 8] >> segment % 8 * SEGMENT & 0xFF) != 0;
}

/* Set lanes to 0 unless their bits are set, of the segment of a row that begins with a column. */
INLINE void keep(const uint64_t *row, long column, lanes_t *lanes)
{
    int32_t bits = (int32_t)(row[column / WORD] >> column % WORD & 0xFF);
    if (bits != 0xFF)
        *lanes &= (BIT_OF_LANE & bits) != 0;
}

/* The counts of a segment, and which of them count (-1 or 0); beyond a row's end there is none that does. */
INLINE void look_at(const image_t *image, long row, long column, lanes_t *counts, lanes_t *is_good)
{
    long place = row * image->width + column, left = image->width - column;
    if (left < SEGMENT) {
        *counts = (lanes_t){0};
        for (long k = 0; k < left; k++)
            (*counts)[k] = count_at(image, place + k);
    } else if (image->is_wide) {
        *counts = LANES((int32_t *)image->counts + place);
    } else {
        narrow_lanes_t narrow = *(narrow_lanes_anywhere_t *)((int16_t *)image->counts + place);
        *counts = __builtin_convertvector(narrow, lanes_t);
    }
    *is_good = *counts >= image->lowest;
    keep(image->good + row * image->n_words, column, is_good);
}

/* Of windows of up to NUMBERS - 1 pixels the sums of counts and how many pixels, as NUMBERS x + n, and of the squares:
   over their columns, MARGIN places to the right, with the row that each segment is about, or less than -1; and over
   windows, of segments where one is suspicious. */
typedef struct {
    int32_t *xn, *y, *row;
    int32_t *window_xn, *window_y;
} sums_t;

/* Half sizes of a window, and the most that a count counts, either side of 0. What makes one suspicious, in single
   precision, which is given the benefit of the doubt; so is one whose squares add up to `most` or more, where counts
   may have been cut. */
typedef struct {
    long kx, ky;
    int32_t clip, most;
    float allowed_0, allowed_1, readout_0, readout_1;
} window_t;

/* Put a row of a segment into its sums, or take it out: 1 or -1. */
INLINE void add_row(const image_t *image, long row, long column, int32_t clip, int32_t sign, lanes_t *xn, lanes_t *y)
{
    lanes_t v, is_good;
    look_at(image, row, column, &v, &is_good);
    if (image->is_high[row]) {
        lanes_t beyond = v > clip;
        v = (v & ~beyond) | (beyond & clip);
        beyond = v < -clip;
        v = (v & ~beyond) | (beyond & -clip);
    }
    v &= is_good;
    *xn += (v * NUMBERS - is_good) * sign;
    *y += v * v * sign;
}

/* Have the sums of a segment about a row: by moving them from the row above, where they are about that. */
INLINE void centre_on(const image_t *image, const window_t *window, const sums_t *sums, long row, long segment)
{
    long column = segment * SEGMENT, place = MARGIN + column;
    long first = row - window->ky, last = row + window->ky;
    lanes_t xn = {0}, y = {0};
    if (sums->row[segment] == row - 1) {
        xn = LANES(sums->xn + place);
        y = LANES(sums->y + place);
        if (first > 0)
            add_row(image, first - 1, column, window->clip, -1, &xn, &y);
        first = last;
    }
    for (long k = first < 0 ? 0 : first; k <= last && k < image->height; k++)
        add_row(image, k, column, window->clip, 1, &xn, &y);
    LANES(sums->xn + place) = xn;
    LANES(sums->y + place) = y;
    sums->row[segment] = (int32_t)row;
}

INLINE void sum_of_columns(int32_t *columns, long size, lanes_t *sum)
{
    *sum = (lanes_t){0};
    for (long k = 0; k < size; k++)
        *sum += LANES(columns + k);
}

/* The pixels of a segment whose windows may have n y - x x - readout > max(allowed x, 0), and some others near that:
   `allowed` is at least allowed_0 + allowed_1 n, readout at least (readout_0 + readout_1 n) n. */
INLINE uint8_t suspects(const image_t *image, const window_t *window, const sums_t *sums, long row, long segment,
                        long size)
{
    long column = segment * SEGMENT, first = MARGIN + column - window->kx;
    lanes_t xn, y, counts, is_good;
    sum_of_columns(sums->xn + first, size, &xn);
    sum_of_columns(sums->y + first, size, &y);
    lanes_t n = xn & (NUMBERS - 1), x = (xn - n) / NUMBERS;
    float_lanes_t fn = __builtin_convertvector(n, float_lanes_t);
    float_lanes_t fx = __builtin_convertvector(x, float_lanes_t);
    float_lanes_t fy = __builtin_convertvector(y, float_lanes_t);
    float_lanes_t limit = (window->allowed_0 + window->allowed_1 * fn) * fx;
    limit = (float_lanes_t)((lanes_t)limit & (limit > 0.0f));
    float_lanes_t beside = limit + fx * fx + (window->readout_0 + window->readout_1 * fn) * fn;
    lanes_t found = (fn * fy * 1.00001f > beside) | (y >= window->most);
    word_lanes_t words = (word_lanes_t)found;
    if ((words[0] | words[1] | words[2] | words[3]) == 0)
        return 0;
    look_at(image, row, column, &counts, &is_good);
    words = (word_lanes_t)(found & is_good & BIT_OF_LANE);
    uint64_t bits = words[0] | words[1] | words[2] | words[3];
    LANES(sums->window_xn + column) = xn;
    LANES(sums->window_y + column) = y;
    return (uint8_t)(bits | bits >> 32);
}

/* Set the bits of a row's suspicious pixels, of the segments where `near` is set; their windows' sums are in `sums`.
   Returns whether any is. */
FOR_WIDE_REGISTERS static int screen_row(const image_t *image, const window_t *window, const sums_t *sums, long row,
                                         const uint64_t *near, uint64_t *restrict suspicious)
{
    long n_segments = (image->width + SEGMENT - 1) / SEGMENT, reach = (window->kx + SEGMENT - 1) / SEGMENT;
    long size = 2 * window->kx + 1;
    int any = 0;
    for (long segment = 0, ready = 0; segment < n_segments; segment++) {
        if (near[segment / 8] == 0) {
            segment |= 7;
            continue;
        }
        if (!has_bits(near, segment))
            continue;
        for (ready = ready < segment - reach ? segment - reach : ready; ready <= segment + reach; ready++)
            if (ready < n_segments)
                centre_on(image, window, sums, row, ready);
    }
    for (long word = 0; word < image->n_words; word++) {
        suspicious[word] = 0;
        for (long segment = 8 * word; near[word] && segment < 8 * word + 8; segment++) {
            if (!has_bits(near, segment))
                continue;
            /* the usual size, unrolled */
            uint8_t bits = size == 7 ? suspects(image, window, sums, row, segment, 7)
                                     : suspects(image, window, sums, row, segment, size);
            suspicious[word] |= (uint64_t)bits << segment % 8 * 8;
        }
        any |= suspicious[word] != 0;
    }
    return any;
}

/* The background pixels of the columns within half a window of a row, how many and the sum of their counts; for each
   segment the row that they are about, or less than -1. */
typedef struct {
    int32_t *n, *row;
    int64_t *x;
    long half;
} background_t;

/* Put a row of a segment into its background, or take it out (1 or -1): what is below `overload`, and not in `excluded`,
   which may be NULL. */
INLINE void add_background(const image_t *image, const uint64_t *excluded, int32_t overload, long row, long column,
                           int32_t sign, lanes_t *n, wide_lanes_t *x)
{
    lanes_t v, is_good;
    look_at(image, row, column, &v, &is_good);
    is_good &= v < overload;
    if (excluded && has_bits(excluded + row * image->n_words, column / SEGMENT)) {
        lanes_t is_out = is_good;
        keep(excluded + row * image->n_words, column, &is_out);
        is_good &= ~is_out;
    }
    union {
        lanes_t all;
        half_lanes_t half[2];
    } counted = {v & is_good};
    x[0] += __builtin_convertvector(counted.half[0], wide_lanes_t) * sign;
    x[1] += __builtin_convertvector(counted.half[1], wide_lanes_t) * sign;
    *n -= is_good * sign;
}

/* Have the background of the segments of columns from `begin` to `end` about a row: see centre_on. */
FOR_WIDE_REGISTERS static void centre_background(const image_t *image, const uint64_t *excluded, int32_t overload,
                                                 const background_t *background, long row, long begin, long end)
{
    for (long segment = begin / SEGMENT; segment * SEGMENT < end; segment++) {
        long column = segment * SEGMENT, first = row - background->half, last = row + background->half;
        lanes_t n = {0};
        wide_lanes_t x[2] = {{0}, {0}};
        wide_lanes_anywhere_t *background_x = (wide_lanes_anywhere_t *)(background->x + column);
        if (background->row[segment] == row)
            continue;
        if (background->row[segment] == row - 1) {
            n = LANES(background->n + column);
            x[0] = background_x[0];
            x[1] = background_x[1];
            if (first > 0)
                add_background(image, excluded, overload, first - 1, column, -1, &n, x);
            first = last;
        }
        for (long k = first < 0 ? 0 : first; k <= last && k < image->height; k++)
            add_background(image, excluded, overload, k, column, 1, &n, x);
        LANES(background->n + column) = n;
        background_x[0] = x[0];
        background_x[1] = x[1];
        background->row[segment] = (int32_t)row;
    }
}

/* Add the bits of a row's good pixels from `overload` on. */
static void add_overloads(const image_t *image, int32_t overload, long row, uint64_t *bits)
{
    for (long i = 0; i < image->width; i++)
        if (is_good_at(image, row, i) && count_at(image, row * image->width + i) >= overload)
            bits[i / WORD] |= (uint64_t)1 << i % WORD;
}

#endif
