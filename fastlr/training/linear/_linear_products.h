/* The two products of a linear model with a block of rows; included once for each REAL. */

/* Products in plain loops, for fewer features than lanes, and for compilers without vector types
   (where BLAS is preferred). */
static void NAME(forward_plain)(const REAL *const *x, ptrdiff_t rows, const REAL *w,
                                ptrdiff_t classes, ptrdiff_t n, REAL *z, ptrdiff_t ld)
{
    for (ptrdiff_t k = 0; k < classes; k++)
        for (ptrdiff_t r = 0; r < rows; r++) {
            REAL sum = 0;
            for (ptrdiff_t j = 0; j < n; j++) sum += x[r][j] * w[k * n + j];
            z[k * ld + r] = sum;
        }
}

static void NAME(backward_plain)(const REAL *const *x, ptrdiff_t rows, const REAL *d, ptrdiff_t ld,
                                 REAL *g, ptrdiff_t classes, ptrdiff_t n, int add)
{
    if (!add) memset(g, 0, (size_t)(classes * n) * sizeof *g);
    for (ptrdiff_t k = 0; k < classes; k++)
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t j = 0; j < n; j++) g[k * n + j] += d[k * ld + r] * x[r][j];
}

#if FASTLR_VECTORS
static INLINE REAL NAME(horizontal_sum)(VEC a)
{
    REAL s[VECTOR_BYTES / sizeof(REAL)];
    STORE(s, a);
    UNROLL for (int half = (int)LANES / 2; half; half /= 2)
        UNROLL for (int i = 0; i < half; i++) s[i] += s[i + half];
    return s[0];
}

/* All ones in the last `count` lanes. */
#define FRESH(count) ((MASK) * (const NAME(unaligned) *)(NAME(ramp) + 16 - LANES + (count)))
static const SIGNED NAME(ramp)[32] = {[16] = -1, -1, -1, -1, -1, -1, -1, -1,
                                      -1, -1, -1, -1, -1, -1, -1, -1};

#define NAME_C(x) NAME(JOIN(x, C))
#define C 1
#include "_linear_tiles.h"
#undef C
#define C 2
#include "_linear_tiles.h"
#undef C
#define C 3
#include "_linear_tiles.h"
#undef C
#define C 4
#include "_linear_tiles.h"
#undef C
#define C 5
#include "_linear_tiles.h"
#undef C
#undef NAME_C

#define FOR_TILE(c, name, ...)                                  \
    switch (c) {                                                \
    case 1: NAME(JOIN(name, 1))(__VA_ARGS__); break;            \
    case 2: NAME(JOIN(name, 2))(__VA_ARGS__); break;            \
    case 3: NAME(JOIN(name, 3))(__VA_ARGS__); break;            \
    case 4: NAME(JOIN(name, 4))(__VA_ARGS__); break;            \
    default: NAME(JOIN(name, 5))(__VA_ARGS__);                  \
    }

#endif

/* z[k][r] for a block of rows. `x` and `ahead` hold as many pointers, filled up to a multiple of
   FASTLR_TILE, all of them readable; the rows at `ahead`, if it is given, are brought into the
   cache on the way. */
static void NAME(fastlr_forward)(const REAL *const *x, const REAL *const *ahead, ptrdiff_t rows,
                                 const REAL *w, ptrdiff_t classes, ptrdiff_t n, REAL *z,
                                 ptrdiff_t ld)
{
#if FASTLR_VECTORS
    if (n < LANES) {
        NAME(forward_plain)(x, rows, w, classes, n, z, ld);
        return;
    }
    const ptrdiff_t groups = (classes + 4) / 5;
    for (ptrdiff_t i = 0, k = 0; i < groups; i++) {
        const ptrdiff_t c = (classes - k) / (groups - i), step = c <= 3 ? FASTLR_TILE : 2;
        for (ptrdiff_t r = 0; r < rows; r += step)
            FOR_TILE(c, forward, x + r, ahead ? ahead + r : 0, w + k * n, n, z + k * ld + r, ld);
        ahead = 0;
        k += c;
    }
#else
    (void)ahead;
    NAME(forward_plain)(x, rows, w, classes, n, z, ld);
#endif
}

/* g[k][j] (+)= sum over the rows of a block. */
static void NAME(fastlr_backward)(const REAL *const *x, ptrdiff_t rows, const REAL *d,
                                  ptrdiff_t ld, REAL *g, ptrdiff_t classes, ptrdiff_t n, int add)
{
#if FASTLR_VECTORS
    if (n < LANES) {
        NAME(backward_plain)(x, rows, d, ld, g, classes, n, add);
        return;
    }
    const ptrdiff_t groups = (classes + 4) / 5;
    for (ptrdiff_t i = 0, k = 0; i < groups; i++) {
        const ptrdiff_t c = (classes - k) / (groups - i);
        FOR_TILE(c, backward, x, rows, d + k * ld, ld, g + k * n, n, add);
        k += c;
    }
#else
    NAME(backward_plain)(x, rows, d, ld, g, classes, n, add);
#endif
}
