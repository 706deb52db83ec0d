/* For wheels, which run with other C libraries than the one they were built with: mathematical functions under the names
   that glibc has had from its first version for x86-64. The newer ones, of 2.23 to 2.38, differ in errno and signgam
   alone. scripts/build_wheels includes this before everything else. */
#ifndef AUTOPROC_OLDEST_LIBM_H
#define AUTOPROC_OLDEST_LIBM_H

#include <math.h>

#if defined(__x86_64__) && defined(__gnu_linux__)
#define OLDEST(NAME) __asm__(".symver " #NAME "," #NAME "@GLIBC_2.2.5");
OLDEST(exp)
OLDEST(exp2)
OLDEST(fmod)
OLDEST(hypot)
OLDEST(log)
OLDEST(log2)
OLDEST(pow)

extern double lgamma_r(double, int *); /* not every standard of C lets math.h declare it */

/* The old lgamma writes the sign into a variable that all threads share; the sign is not wanted here. */
static inline double lgamma_of(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}
#define lgamma(x) lgamma_of(x)
#endif

#endif
