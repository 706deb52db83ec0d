/* Where the machine has wide registers, the loader takes the copies of functions that were compiled for them. They work
   on integers, or on floating point without contraction, so that all copies give the same bits. Defined beforehand as
   nothing, it leaves the narrow copies alone. */
#ifndef AUTOPROC_WIDE_REGISTERS_H
#define AUTOPROC_WIDE_REGISTERS_H

#if defined(FOR_WIDE_REGISTERS)
#elif defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) \
    && !defined(__SANITIZE_ADDRESS__)
#define FOR_WIDE_REGISTERS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_REGISTERS
#endif

#endif
