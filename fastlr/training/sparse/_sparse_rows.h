/* Products of sparse rows with the coefficients of their features; included once for each REAL. */

/* Few outputs. p and g hold the features of a mini-batch only, one after the other, and ids are
   their numbers among these. */
static INLINE void NAME(forward_by)(const ptrdiff_t outputs, const REAL *const *x,
                                    const int32_t *ids, const ptrdiff_t *starts,
                                    ptrdiff_t rows, const REAL *p, REAL *z)
{
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t n = starts[r + 1] - starts[r];
        const int32_t *id = ids + starts[r];
        const REAL *xr = x[r];
        if (outputs == 1) {
            REAL s0 = 0, s1 = 0, s2 = 0, s3 = 0; /* one sum would wait for itself */
            ptrdiff_t j = 0;
            for (; j + 4 <= n; j += 4) {
                s0 += xr[j] * p[id[j]];
                s1 += xr[j + 1] * p[id[j + 1]];
                s2 += xr[j + 2] * p[id[j + 2]];
                s3 += xr[j + 3] * p[id[j + 3]];
            }
            for (; j < n; j++) s0 += xr[j] * p[id[j]];
            z[r] = (s0 + s1) + (s2 + s3);
            continue;
        }
        for (ptrdiff_t k = 0; k < outputs; k++) z[r * outputs + k] = 0;
        for (ptrdiff_t j = 0; j < n; j++)
            for (ptrdiff_t k = 0; k < outputs; k++)
                z[r * outputs + k] += xr[j] * p[id[j] * outputs + k];
    }
}

static INLINE void NAME(backward_by)(const ptrdiff_t outputs, const REAL *const *x,
                                     const int32_t *ids, const ptrdiff_t *starts,
                                     ptrdiff_t rows, const REAL *d, REAL *g)
{
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t n = starts[r + 1] - starts[r];
        const int32_t *id = ids + starts[r];
        for (ptrdiff_t j = 0; j < n; j++)
            for (ptrdiff_t k = 0; k < outputs; k++)
                g[id[j] * outputs + k] += x[r][j] * d[r * outputs + k];
    }
}

static void NAME(sparse_forward_few)(const REAL *const *x, const int32_t *ids,
                                     const ptrdiff_t *starts, ptrdiff_t rows,
                                     const REAL *p, ptrdiff_t outputs, REAL *z)
{
    switch (outputs) {
    case 1: NAME(forward_by)(1, x, ids, starts, rows, p, z); break;
    case 2: NAME(forward_by)(2, x, ids, starts, rows, p, z); break;
    case 3: NAME(forward_by)(3, x, ids, starts, rows, p, z); break;
    case 4: NAME(forward_by)(4, x, ids, starts, rows, p, z); break;
    default: NAME(forward_by)(outputs, x, ids, starts, rows, p, z);
    }
}

static void NAME(sparse_backward_few)(const REAL *const *x, const int32_t *ids,
                                      const ptrdiff_t *starts, ptrdiff_t rows,
                                      const REAL *d, ptrdiff_t outputs, REAL *g)
{
    switch (outputs) {
    case 1: NAME(backward_by)(1, x, ids, starts, rows, d, g); break;
    case 2: NAME(backward_by)(2, x, ids, starts, rows, d, g); break;
    case 3: NAME(backward_by)(3, x, ids, starts, rows, d, g); break;
    case 4: NAME(backward_by)(4, x, ids, starts, rows, d, g); break;
    default: NAME(backward_by)(outputs, x, ids, starts, rows, d, g);
    }
}

/* Between products, rows lie after each other; losses take FASTLR_BLOCK of them side by side. */
static void NAME(sparse_aside)(const REAL *z, ptrdiff_t ld, ptrdiff_t rows,
                               ptrdiff_t outputs, REAL *zt)
{
    for (ptrdiff_t k = 0; k < outputs; k++)
        for (ptrdiff_t r = 0; r < FASTLR_BLOCK; r++)
            zt[k * FASTLR_BLOCK + r] = r < rows ? z[r * ld + k] : 0;
}

static void NAME(sparse_back)(const REAL *zt, ptrdiff_t ld, ptrdiff_t rows,
                              ptrdiff_t outputs, REAL *z)
{
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t k = 0; k < outputs; k++) z[r * ld + k] = zt[k * FASTLR_BLOCK + r];
}

#if FASTLR_VECTORS
#define NAME_C(x) NAME(JOIN(x, C))
#define C 1
#include "_sparse_vectors.h"
#undef C
#define C 2
#include "_sparse_vectors.h"
#undef C
#define C 3
#include "_sparse_vectors.h"
#undef C
#define C 4
#include "_sparse_vectors.h"
#undef C
#define C 5
#include "_sparse_vectors.h"
#undef C
#define C 6
#include "_sparse_vectors.h"
#undef C
#define C 7
#include "_sparse_vectors.h"
#undef C
#define C 8
#include "_sparse_vectors.h"
#undef C
#undef NAME_C

#define FOR_COUNT(count, name, ...) \
    switch (count) { \
    case 1: NAME(JOIN(name, 1))(__VA_ARGS__); break; \
    case 2: NAME(JOIN(name, 2))(__VA_ARGS__); break; \
    case 3: NAME(JOIN(name, 3))(__VA_ARGS__); break; \
    case 4: NAME(JOIN(name, 4))(__VA_ARGS__); break; \
    case 5: NAME(JOIN(name, 5))(__VA_ARGS__); break; \
    case 6: NAME(JOIN(name, 6))(__VA_ARGS__); break; \
    case 7: NAME(JOIN(name, 7))(__VA_ARGS__); break; \
    default: NAME(JOIN(name, 8))(__VA_ARGS__); \
    }

static void NAME(sparse_forward)(const REAL *const *x, const int32_t *ids,
                                 const ptrdiff_t *starts, ptrdiff_t rows,
                                 const REAL *w, ptrdiff_t outputs, REAL *z,
                                 ptrdiff_t ld)
{
    for (ptrdiff_t c = 0; c < outputs; c += 8 * LANES) {
        const ptrdiff_t end = c + 8 * LANES < outputs ? c + 8 * LANES : outputs;
        FOR_COUNT((end - c + LANES - 1) / LANES, sparse_forward, x, ids, starts, rows, w, outputs,
                  c, end, z, ld)
    }
}

static void NAME(sparse_backward)(const REAL *values, const int32_t *rows,
                                  const int32_t *starts, ptrdiff_t first,
                                  ptrdiff_t stop, const REAL *d, ptrdiff_t ld,
                                  const int32_t *places, const char *fresh, REAL *g,
                                  double *squares)
{
    for (ptrdiff_t c = 0; c < ld; c += 8 * LANES) {
        const ptrdiff_t end = c + 8 * LANES < ld ? c + 8 * LANES : ld;
        FOR_COUNT((end - c) / LANES, sparse_backward, values, rows, starts, first, stop, d, ld,
                  places, fresh, c, g, squares)
    }
}
#undef FOR_COUNT
#endif
