/* Products of sparse rows with C vectors of outputs at a time; included once for each C and REAL.
   C is a preprocessor constant, for only then does GCC keep the accumulators in registers. */

/* z[r][c ... end) for rows of a block: the sum over their entries of value times coefficients of
   the feature. The last vector ends at column `end` and may overlap the one before it. Coefficients
   of entries to come are fetched meanwhile. */
static void NAME_C(sparse_forward)(const REAL *const *x, const int32_t *ids,
                                   const ptrdiff_t *starts, ptrdiff_t rows, const REAL *w,
                                   ptrdiff_t outputs, ptrdiff_t c, ptrdiff_t end, REAL *z,
                                   ptrdiff_t ld)
{
    const ptrdiff_t last = end - LANES, total = starts[rows];
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t first = starts[r];
        VEC acc[C];
        UNROLL for (int v = 0; v < C; v++) acc[v] = ZERO;
        for (ptrdiff_t j = first; j < starts[r + 1]; j++) {
            const REAL *row = w + ids[j] * outputs;
            const REAL *next = w + ids[j + FASTLR_ENTRIES_AHEAD < total ? j + FASTLR_ENTRIES_AHEAD : j] * outputs;
            const VEC xv = x[r][j - first] - ZERO;
            UNROLL for (int v = 0; v < C * VECTOR_BYTES; v += 64)
                PREFETCH((const char *)(next + c) + v);
            UNROLL for (int v = 0; v < C - 1; v++) acc[v] += xv * LOAD(row + c + v * LANES);
            acc[C - 1] += xv * LOAD(row + last);
        }
        UNROLL for (int v = 0; v < C - 1; v++) STORE(z + r * ld + c + v * LANES, acc[v]);
        STORE(z + r * ld + last, acc[C - 1]);
    }
}

/* The gradient of features [first, stop) of a block, columns from c on: the sum of value times row
   of d over the entries of each. d is padded with zeros to a whole number of vectors, and so is g.
   `places` says where in g; `fresh` whether nothing is there yet. The sum of squares of what is
   there afterwards goes into `squares`. */
static void NAME_C(sparse_backward)(const REAL *values, const int32_t *rows, const int32_t *starts,
                                    ptrdiff_t first, ptrdiff_t stop, const REAL *d, ptrdiff_t ld,
                                    const int32_t *places, const char *fresh, ptrdiff_t c, REAL *g,
                                    double *squares)
{
    for (ptrdiff_t u = first; u < stop; u++) {
        REAL *to = g + places[u] * ld + c;
        VEC acc[C], square = ZERO;
        if (fresh[u]) {
            UNROLL for (int v = 0; v < C; v++) acc[v] = ZERO;
        } else {
            UNROLL for (int v = 0; v < C; v++) acc[v] = LOAD(to + v * LANES);
        }
        for (int32_t j = starts[u]; j < starts[u + 1]; j++) {
            const VEC xv = values[j] - ZERO;
            const REAL *row = d + rows[j] * ld + c;
            UNROLL for (int v = 0; v < C; v++) acc[v] += xv * LOAD(row + v * LANES);
        }
        double sum = c ? squares[places[u]] : 0;
        UNROLL for (int v = 0; v < C; v++) {
            STORE(to + v * LANES, acc[v]);
            square += acc[v] * acc[v];
        }
        for (int i = 0; i < (int)LANES; i++) sum += (double)square[i];
        squares[places[u]] = sum;
    }
}
