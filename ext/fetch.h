/* Asking for what will be read soon, of which the memory takes long to deliver the first. */
#ifndef AUTOPROC_FETCH_H
#define AUTOPROC_FETCH_H

/* Have the memory deliver the lines of the first and the last byte of a short row. A function that does nothing else the
   compiler takes for one without effect, and leaves out: hence the empty assembly, which has one. */
static inline void fetch(const void *first, const void *last)
{
    __asm__ volatile("");
    __builtin_prefetch(first);
    __builtin_prefetch(last);
}

#endif
