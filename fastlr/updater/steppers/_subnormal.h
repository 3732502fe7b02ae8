/* Numbers below the smallest normal one, in training: taken as zero.
 *
 * x86 processors compute with them some hundred times more slowly, and a network meets many: what
 * Adam keeps of a gradient that has become zero shrinks into them and stays, and so do gradients
 * of rows that are classified with certainty. The mode belongs to the thread and is put back after
 * each run of steps, so nothing else in the process sees it. Other processors need none of it.
 */
#ifndef FASTLR_SUBNORMAL_H
#define FASTLR_SUBNORMAL_H

#include "_portable.h"

/* Windows keeps this in portable C: every compiler there has the header. */
#if (defined(__x86_64__) && !FASTLR_PORTABLE_C) || defined(_M_X64)
#include <xmmintrin.h>
#define FASTLR_FLUSH 0x8040u /* flush to zero, denormals are zero */
static unsigned fastlr_arithmetic(void) { return _mm_getcsr(); }
static void fastlr_set_arithmetic(unsigned mode) { _mm_setcsr(mode); }
#else
#define FASTLR_FLUSH 0u
static unsigned fastlr_arithmetic(void) { return 0; }
static void fastlr_set_arithmetic(unsigned mode) { (void)mode; }
#endif

/* Begin; return what `fastlr_set_arithmetic` puts back. */
static unsigned fastlr_flush(void) {
    unsigned before = fastlr_arithmetic();
    fastlr_set_arithmetic(before | FASTLR_FLUSH);
    return before;
}

#endif
