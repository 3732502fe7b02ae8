/* ROWS by VECS vectors of a product, accumulated in registers; included once for each.

   c[r][.] (+)= sum_i a[r][i * step] b[i][.]

   Rows of `a` are given by pointers and one step, so that the same loop multiplies a matrix and
   its transpose. Dimensions are preprocessor constants, not arguments: only then does GCC keep
   the accumulators in registers. */
static void NAME_TILE(tile)(const REAL *const *a, ptrdiff_t step, const REAL *b, ptrdiff_t depth,
                            REAL *c, ptrdiff_t ldc, int add)
{
    VEC acc[ROWS][VECS];
    const REAL *row[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) {
        row[r] = a[r];
        UNROLL for (int v = 0; v < VECS; v++) acc[r][v] = ZERO;
    }
    for (ptrdiff_t i = 0, at = 0; i < depth; i++, at += step) {
        VEC bv[VECS];
        UNROLL for (int v = 0; v < VECS; v++) bv[v] = LOAD(b + i * PANEL + v * LANES);
        UNROLL for (int r = 0; r < ROWS; r++) {
            const VEC x = row[r][at] - ZERO;
            UNROLL for (int v = 0; v < VECS; v++) acc[r][v] += x * bv[v];
        }
    }
    UNROLL for (int r = 0; r < ROWS; r++)
        UNROLL for (int v = 0; v < VECS; v++) {
            REAL *p = c + r * ldc + v * LANES;
            STORE(p, add ? LOAD(p) + acc[r][v] : acc[r][v]);
        }
}
