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

/* The 8 n bytes that eight bit planes of n bytes make up, as little-endian words of eight. Returns whether any is not 0. */
static int gather_bytes(const uint8_t *restrict planes, long n, uint64_t *restrict eights)
{
    int any = 0;
    for (long k = 0; k < n; k += STRETCH) {
        long length = n - k < STRETCH ? n - k : STRETCH;
        if (holds_a_bit(planes + k, n, length)) {
            transpose(planes + k, n, length, eights + k);
            any = 1;
        } else {
            memset(eights + k, 0, (size_t)length * 8);
        }
    }
    return any;
}

/* n counts of one byte each. */
FOR_WIDE_REGISTERS static void widen_bytes(const uint8_t *restrict low, long n, int16_t *restrict target)
{
    for (long i = 0; i < n; i++)
        target[i] = low[i];
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

#endif
