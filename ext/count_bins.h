/* How often pixels that are in no peak have each count, many pixels at a time. */
#ifndef AUTOPROC_COUNT_BINS_H
#define AUTOPROC_COUNT_BINS_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

/* The number of a bin is a byte: the count itself, or what else a pixel may be. */
enum {
    BINS = 252,
    ABOVE = BINS, /* counts from BINS on */
    BELOW,        /* negative ones */
    NO_COUNT,     /* up to -INT32_MAX */
    IN_PEAK,
    ALL_BINS,
    SMALL = 4,   /* the commonest counts are below it */
    PIECE = 64,  /* pixels worked on together */
    SPAN = 4096, /* of them, so that what is counted in bytes stays below 256 */
    TABLES = 4   /* so that a bin need not wait for the pixel before */
};

typedef uint8_t bytes __attribute__((vector_size(32)));

/* The numbers of the bins of a piece. */
static inline void number_bins(const int32_t *restrict counts, const uint8_t *restrict label, uint8_t *restrict bin)
{
    for (int i = 0; i < PIECE; i++) {
        int32_t value = counts[i], own = value < BINS ? value : ABOVE;
        own = value < 0 ? BELOW : own;
        bin[i] = (uint8_t)(value <= -INT32_MAX ? NO_COUNT : own);
    }
    for (int i = 0; i < PIECE; i++)
        bin[i] = label[i] ? IN_PEAK : bin[i];
}

/* Count which of a piece have small counts, and none, in the bytes of `often`. Returns whether all others are in peaks. */
static inline int count_small(const uint8_t *bin, bytes often[SMALL + 1])
{
    int64_t rest[4] = {0};
    for (int i = 0; i < PIECE; i += (int)sizeof(bytes)) {
        bytes own, is_known;
        memcpy(&own, bin + i, sizeof own);
        is_known = (bytes)(own == IN_PEAK);
        for (int v = 0; v <= SMALL; v++) {
            bytes is_this = (bytes)(own == (uint8_t)(v < SMALL ? v : NO_COUNT));
            often[v] -= is_this;
            is_known |= is_this;
        }
        is_known = ~is_known;
        int64_t part[4];
        memcpy(part, &is_known, sizeof part);
        for (int k = 0; k < 4; k++)
            rest[k] |= part[k];
    }
    return !(rest[0] | rest[1] | rest[2] | rest[3]);
}

/* Count n pixels into ALL_BINS bins. */
FOR_WIDE_REGISTERS static void bin_counts(const int32_t *counts, const uint8_t *label, long n, int32_t *bins)
{
    int32_t tables[TABLES][ALL_BINS], some_counts[PIECE];
    uint8_t bin[PIECE], some_label[PIECE];
    memset(tables, 0, sizeof tables);
    for (long first = 0; first < n; first += SPAN) {
        bytes often[SMALL + 1];
        memset(often, 0, sizeof often);
        for (long i = first; i < n && i < first + SPAN; i += PIECE) {
            if (n - i >= PIECE) {
                number_bins(counts + i, label + i, bin);
            } else {
                memset(some_counts, 0, sizeof some_counts);
                memset(some_label, 1, sizeof some_label);
                memcpy(some_counts, counts + i, (size_t)(n - i) * sizeof *counts);
                memcpy(some_label, label + i, (size_t)(n - i));
                number_bins(some_counts, some_label, bin);
            }
            bytes before[SMALL + 1];
            memcpy(before, often, sizeof before);
            if (count_small(bin, often))
                continue;
            memcpy(often, before, sizeof before);
            for (int k = 0; k < PIECE; k += TABLES)
                for (int t = 0; t < TABLES; t++)
                    tables[t][bin[k + t]]++;
        }
        for (int v = 0; v <= SMALL; v++)
            for (int k = 0; k < (int)sizeof(bytes); k++)
                tables[0][v < SMALL ? v : NO_COUNT] += often[v][k];
    }
    for (int v = 0; v < ALL_BINS; v++)
        bins[v] = tables[0][v] + tables[1][v] + tables[2][v] + tables[3][v];
}

#endif
