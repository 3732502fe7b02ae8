/* Register-blocked products for a few classes, C of them; included once for each C and REAL.

   Two loops are all the arithmetic of a linear model:
       forward    z[c][r]  = sum_j x[r][j] w[c][j]
       backward   g[c][j] += sum_r d[c][r] x[r][j]
   Both keep a tile of vector accumulators in registers (at most 10 of the 16 that AVX2 has), so
   that there are fewer loads than multiplications. Rows of X are read where they lie, through
   pointers: nothing is gathered. Features beyond the last whole vector are done by one more
   vector that overlaps it, with the lanes already counted masked out; so there must be at least
   as many features as lanes.

   Dimensions are preprocessor constants, not arguments: only then does GCC keep the
   accumulator arrays in registers. */

/* Rows by C accumulators in forward, C by VECS in backward: at least 8 cover the latency. */
#if C <= 3
#define ROWS FASTLR_TILE
#else
#define ROWS 2
#endif
#if C <= 2
#define VECS 4
#else
#define VECS 2
#endif

static void NAME_C(forward)(const REAL *const *x, const REAL *const *ahead, const REAL *w,
                            ptrdiff_t n, REAL *z, ptrdiff_t ld)
{
    VEC acc[ROWS][C];
    UNROLL for (int r = 0; r < ROWS; r++)
        UNROLL for (int c = 0; c < C; c++) acc[r][c] = ZERO;
    ptrdiff_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        VEC xv[ROWS];
        UNROLL for (int r = 0; r < ROWS; r++) {
            xv[r] = LOAD(x[r] + j);
            if (ahead) PREFETCH(ahead[r] + j);
        }
        UNROLL for (int c = 0; c < C; c++) {
            const VEC wv = LOAD(w + c * n + j);
            UNROLL for (int r = 0; r < ROWS; r++) acc[r][c] += xv[r] * wv;
        }
    }
    if (ahead) /* a row may end on a line in which no vector of it begins */
        UNROLL for (int r = 0; r < ROWS; r++) PREFETCH(ahead[r] + n - 1);
    if (j < n) {
        const ptrdiff_t last = n - LANES;
        const MASK fresh = FRESH(n - j);
        UNROLL for (int r = 0; r < ROWS; r++) {
            const VEC xv = (VEC)((MASK)LOAD(x[r] + last) & fresh);
            UNROLL for (int c = 0; c < C; c++) acc[r][c] += xv * LOAD(w + c * n + last);
        }
    }
    UNROLL for (int r = 0; r < ROWS; r++)
        UNROLL for (int c = 0; c < C; c++) z[c * ld + r] = NAME(horizontal_sum)(acc[r][c]);
}

#define BACKWARD_TILE(V, START, AND_MASK)                                                       \
    do {                                                                                        \
        VEC acc[C][V];                                                                          \
        UNROLL for (int c = 0; c < C; c++)                                                      \
            UNROLL for (int v = 0; v < V; v++)                                                  \
                acc[c][v] = (START) ? LOAD(g + c * n + j + v * LANES) : ZERO;               \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                  \
            VEC xv[V];                                                                          \
            UNROLL for (int v = 0; v < V; v++)                                                  \
                xv[v] = (VEC)((MASK)LOAD(x[r] + j + v * LANES) AND_MASK);                       \
            UNROLL for (int c = 0; c < C; c++) {                                                \
                const VEC dv = d[c * ld + r] - ZERO;                                        \
                UNROLL for (int v = 0; v < V; v++) acc[c][v] += dv * xv[v];                     \
            }                                                                                   \
        }                                                                                       \
        UNROLL for (int c = 0; c < C; c++)                                                      \
            UNROLL for (int v = 0; v < V; v++) STORE(g + c * n + j + v * LANES, acc[c][v]);     \
    } while (0)

static void NAME_C(backward)(const REAL *const *x, ptrdiff_t rows, const REAL *d, ptrdiff_t ld,
                             REAL *g, ptrdiff_t n, int add)
{
    ptrdiff_t j = 0;
    for (; j + VECS * LANES <= n; j += VECS * LANES) BACKWARD_TILE(VECS, add, | (MASK){0});
    for (; j + LANES <= n; j += LANES) BACKWARD_TILE(1, add, | (MASK){0});
    if (j < n) {
        const MASK fresh = FRESH(n - j);
        if (!add)
            for (int c = 0; c < C; c++)
                for (ptrdiff_t i = j; i < n; i++) g[c * n + i] = 0;
        j = n - LANES;
        BACKWARD_TILE(1, 1, & fresh);
    }
}

#undef BACKWARD_TILE
#undef ROWS
#undef VECS
