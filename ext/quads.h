/* Four numbers at a time. A sum has four parts, which are added in one order: it is the same however wide registers are. */
#ifndef AUTOPROC_QUADS_H
#define AUTOPROC_QUADS_H

#include <stdint.h>

enum {
    PARTS = 4 /* of a sum */
};

/* Four numbers, wherever they begin, and what is true of each (-1, else 0): vectors as gcc and clang have them. */
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t truths __attribute__((vector_size(32), aligned(8), may_alias));

#define QUAD(AT) (*(const quad *)(AT))
/* A number where something is true, else 0. */
#define WHERE(TRUE, NUMBER) ((quad)((TRUE) & (truths)(NUMBER)))

static inline int64_t number(const truths *sum) { return (*sum)[0] + (*sum)[1] + (*sum)[2] + (*sum)[3]; }

static inline double sum_of_parts(const quad *sum) { return ((*sum)[0] + (*sum)[1]) + ((*sum)[2] + (*sum)[3]); }

#endif
