/* Positions that anything may have been written into, as numbers of pixels. */
#ifndef AUTOPROC_CLIPPED_H
#define AUTOPROC_CLIPPED_H

/* The whole number of a position within 0 and n; 0 for what is not a number. */
static inline long clipped(double position, long n)
{
    if (!(position > 0))
        return 0;
    return position < (double)n ? (long)position : n;
}

#endif
