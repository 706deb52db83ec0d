/* Counts from their bit planes, many at a time. */
#ifndef AUTOPROC_BIT_PLANES_H
#define AUTOPROC_BIT_PLANES_H

#include <stdint.h>
#include <string.h>

#include "wide_registers.h"

/* Bytes of a plane that are looked at together; most hold no bit. */
#define STRETCH 32

static int holds_a_bit(const uint8_t *planes, long n, long length)
{
    uint64_t any = 0, eight;
    for (int bit = 0; bit < 8; bit++) {
        long k = 0;
        for (; k + 8 <= length; k += 8) {
            memcpy(&eight, planes + bit * n + k, 8);
            any |= eight;
        }
        for (; k < length; k++)
            any |= planes[bit * n + k];
    }
    return any != 0;
}

/* Transpose matrices of 8 x 8 bits, of which plane b holds row b (Warren, Hacker's Delight, 7-3). */
FOR_WIDE_REGISTERS static void transpose(const uint8_t *restrict planes, long n, long length, uint64_t *restrict eights)
{
    for (long k = 0; k < length; k++) {
        uint64_t x = 0, t;
        for (int bit = 0; bit < 8; bit++)
            x |= (uint64_t)planes[bit * n + k] << (8 * bit);
        t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAULL;
        x ^= t ^ (t << 7);
        t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCULL;
        x ^= t ^ (t << 14);
        t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ULL;
        eights[k] = x ^ t ^ (t << 28);
    }
}

/* The 8 m bytes that m bytes of eight bit planes, n bytes apart, make up, as little-endian words of eight. */
static void gather_bytes(const uint8_t *restrict planes, long n, long m, uint64_t *restrict eights)
{
    for (long k = 0; k < m; k += STRETCH) {
        long length = m - k < STRETCH ? m - k : STRETCH;
        if (holds_a_bit(planes + k, n, length))
            transpose(planes + k, n, length, eights + k);
        else
            memset(eights + k, 0, (size_t)length * 8);
    }
}

/* The counts of `size` bytes that are i places apart in `bytes`, where the two largest of an unsigned type are -1 and -2:
   cut to 16 bits; returns whether one does not fit. */
FOR_WIDE_REGISTERS static int join_16(const uint8_t *restrict bytes, int size, long n, int16_t *restrict target)
{
    int32_t beyond = 0;
    if (size == 1) {
        for (long i = 0; i < n; i++)
            target[i] = (int16_t)(bytes[i] - (bytes[i] >= 254 ? 256 : 0));
    } else if (size == 2) {
        for (long i = 0; i < n; i++) {
            int16_t v = (int16_t)(bytes[i] | bytes[n + i] << 8);
            beyond |= v < -2;
            target[i] = v;
        }
    } else {
        for (long i = 0; i < n; i++) {
            int32_t v = (int32_t)(bytes[i] | bytes[n + i] << 8 | bytes[2 * n + i] << 16 | (uint32_t)bytes[3 * n + i] << 24);
            beyond |= (v < -2) | (v > INT16_MAX);
            target[i] = (int16_t)v;
        }
    }
    return beyond;
}

/* The same in 32 bits; counts of four bytes above 2^31 - 1 wrap to negative ones. */
FOR_WIDE_REGISTERS static void join_32(const uint8_t *restrict bytes, int size, long n, int32_t *restrict target)
{
    if (size == 4) {
        for (long i = 0; i < n; i++)
            target[i] = (int32_t)(bytes[i] | bytes[n + i] << 8 | bytes[2 * n + i] << 16 | (uint32_t)bytes[3 * n + i] << 24);
        return;
    }
    int32_t top = (1 << 8 * size) - 1;
    for (long i = 0; i < n; i++) {
        int32_t v = size == 1 ? bytes[i] : bytes[i] | bytes[n + i] << 8;
        target[i] = v >= top - 1 ? v - top - 1 : v;
    }
}

typedef uint64_t words_t __attribute__((vector_size(STRETCH)));
typedef int16_t counts_t __attribute__((vector_size(STRETCH)));

/* Read or written where they are, in one move: copies of so many bytes may be made in two, which the next waits for. */
typedef words_t words_anywhere_t __attribute__((aligned(1), may_alias));
typedef counts_t counts_anywhere_t __attribute__((aligned(2), may_alias));

#define STRETCH_OF(plane) (*(const words_anywhere_t *)(plane))
#define HAS_A_BIT(words) (((words)[0] | (words)[1] | (words)[2] | (words)[3]) != 0)

/* The 8 STRETCH counts of two or four bytes that as many bit planes, n bytes apart, make up, where the two largest of
   the unsigned type are -1 and -2: returns whether one does not fit into 16 bits. Only planes that hold a bit are
   looked at closely, which are few. */
static inline __attribute__((always_inline)) int spread_planes(const uint8_t *planes, long n, int n_planes,
                                                               int16_t *target)
{
    const counts_t lanes = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, INT16_MIN};
    const counts_t zero = {0};
    const uint8_t *held[16];
    int16_t value[16];
    int n_held = 0;
    words_t sign = STRETCH_OF(planes + 15 * n), beyond = {0}, high = {0};
    for (int bit = 16; bit < n_planes; bit++)
        beyond |= STRETCH_OF(planes + bit * n) ^ sign;
    int has_sign = HAS_A_BIT(sign), last = 15;
    if (has_sign) {
        for (int bit = 1; bit < 15; bit++)
            beyond |= sign & ~STRETCH_OF(planes + bit * n);
        held[n_held] = planes + 15 * n;
        value[n_held++] = -2;
    } else {
        for (int bit = 4; bit < 15; bit++)
            high |= STRETCH_OF(planes + bit * n);
        last = HAS_A_BIT(high) ? 15 : 4;
    }
    if (HAS_A_BIT(beyond))
        return 1;
    for (int bit = 0; bit < last; bit++) {
        words_t plane = STRETCH_OF(planes + bit * n);
        if (bit > 0)
            plane &= ~sign;
        if (HAS_A_BIT(plane)) {
            held[n_held] = planes + bit * n;
            value[n_held++] = (int16_t)(1 << bit);
        }
    }
    for (long k = 0; k < STRETCH; k += 2) {
        counts_t counts = zero;
        for (int i = 0; i < n_held; i++) {
            int16_t bits;
            memcpy(&bits, held[i] + k, 2);
            counts |= (((zero + bits) & lanes) == lanes) & (zero + value[i]);
        }
        *(counts_anywhere_t *)(target + 8 * k) = counts;
    }
    return 0;
}

/* The 8 n counts of `size` bytes, cut to 16 bits, whose bit planes of n bytes follow each other: returns whether one
   does not fit. rest : work space for n size words */
FOR_WIDE_REGISTERS static int counts_of_planes_16(const uint8_t *planes, int size, long n, uint64_t *rest, int16_t *target)
{
    long k = 0;
    if (size > 1) {
        for (; k + STRETCH <= n; k += STRETCH)
            if (spread_planes(planes + k, n, 8 * size, target + 8 * k))
                return 1;
    }
    if (k == n)
        return 0;
    for (int part = 0; part < size; part++)
        gather_bytes(planes + k + part * 8 * n, n, n - k, rest + part * (n - k));
    return join_16((const uint8_t *)rest, size, 8 * (n - k), target + 8 * k);
}

#endif
