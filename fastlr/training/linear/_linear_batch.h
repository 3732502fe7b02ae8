/* Loss and gradient of one mini-batch, by tiles, by BLAS, or of a row alone; included once for
   each REAL. They return the weighted loss of the rows; to learn, they leave the gradient of its
   mean in the arena. */

#define AT(pointer) ((REAL *)(pointer))
#define X(data) ((const REAL *)(data)->x)

/* Turn the products of a block of rows into slopes; add up those of the intercept. */
static double NAME(linear_slopes)(const fastlr_linear *m, REAL *z, const fastlr_data *data,
                                  ptrdiff_t start, ptrdiff_t rows, double share, int learn,
                                  int add)
{
    const double loss = NAME(fastlr_block_loss)(&m->loss, data, start, rows, z, m->ld, m->outputs,
                                                AT(m->b), share);
    if (learn && m->grad_intercept)
        NAME(fastlr_sum_rows)(z, m->ld, m->outputs, AT(m->grad_intercept), add);
    return loss;
}

/* Block by block, so that rows are still in the cache when the backward pass wants them. Rows of
   the next block, of the next mini-batch if need be, are fetched meanwhile. */
static double NAME(batch_by_tiles)(const fastlr_linear *m, const fastlr_data *data,
                                   ptrdiff_t start, ptrdiff_t stop, int learn)
{
    const REAL *rows[FASTLR_BLOCK], *ahead[FASTLR_BLOCK];
    const ptrdiff_t n = m->features;
    const double share = learn ? 1.0 / (double)(stop - start) : 1.0;
    double loss = 0;
    ptrdiff_t count;
    for (ptrdiff_t i = start; i < stop; i += count) {
        count = stop - i < FASTLR_BLOCK ? stop - i : FASTLR_BLOCK;
        for (ptrdiff_t r = 0; r < count; r++) rows[r] = X(data) + fastlr_row_at(data, i + r) * n;
        /* A tile may read more rows than there are; what it makes of them is not used. */
        const ptrdiff_t filled = count + (-count & (FASTLR_TILE - 1));
        for (ptrdiff_t r = count; r < filled; r++) rows[r] = rows[count - 1];
        if (data->order)
            for (ptrdiff_t r = 0; r < filled; r++) {
                const ptrdiff_t next = i + count + r;
                ahead[r] = X(data) + data->order[next < data->used ? next : data->used - 1] * n;
            }
        NAME(fastlr_forward)(rows, data->order ? ahead : NULL, count, AT(m->w), m->outputs, n,
                             AT(m->z), m->ld);
        loss += NAME(linear_slopes)(m, AT(m->z), data, i, count, share, learn, i > start);
        if (learn)
            NAME(fastlr_backward)(rows, count, AT(m->z), m->ld, AT(m->grad_coef), m->outputs, n,
                                  i > start);
    }
    return loss;
}

static double NAME(batch_of_row)(const fastlr_linear *m, const fastlr_data *data, ptrdiff_t at,
                                 int learn)
{
    const ptrdiff_t n = m->features, row = fastlr_row_at(data, at);
    const REAL *x = X(data) + row * n, *ahead = NULL;
    if (data->order) {
        const ptrdiff_t next = at + FASTLR_ROWS_AHEAD;
        ahead = X(data) + data->order[next < data->used ? next : data->used - 1] * n;
    }
    NAME(fastlr_row_forward)(x, ahead, AT(m->w), m->outputs, n, AT(m->z));
    const double loss = NAME(fastlr_row_loss)(&m->loss, data, row, AT(m->z), m->outputs, AT(m->b));
    if (!learn) return loss;
    NAME(fastlr_row_backward)(x, AT(m->z), m->outputs, n, AT(m->grad_coef));
    if (m->grad_intercept)
        memcpy(m->grad_intercept, m->z, (size_t)m->outputs * sizeof(REAL));
    return loss;
}

typedef void (*NAME(fastlr_gemm))(char *, char *, int *, int *, int *, REAL *, REAL *, int *,
                                  REAL *, int *, REAL *, REAL *, int *);

/* c = a b + beta c, in columns. */
static void NAME(multiply)(const fastlr_linear *m, char trans_a, ptrdiff_t rows, ptrdiff_t columns,
                           ptrdiff_t inner, const REAL *a, ptrdiff_t lda, const REAL *b,
                           ptrdiff_t ldb, REAL beta, REAL *c, ptrdiff_t ldc)
{
    char trans_b = 'N';
    int r = (int)rows, k = (int)columns, n = (int)inner;
    int da = (int)lda, db = (int)ldb, dc = (int)ldc;
    REAL one = 1;
    ((NAME(fastlr_gemm))m->gemm)(&trans_a, &trans_b, &r, &k, &n, &one, (REAL *)a, &da, (REAL *)b,
                                 &db, &beta, c, &dc);
}

/* Matrix products of gathered rows, FASTLR_BLAS_ROWS at a time. */
static double NAME(batch_by_blas)(const fastlr_linear *m, const fastlr_data *data,
                                  ptrdiff_t start, ptrdiff_t stop, int learn)
{
    const ptrdiff_t n = m->features, k = m->outputs, ld = m->ld;
    const double share = learn ? 1.0 / (double)(stop - start) : 1.0;
    REAL *z = AT(m->z);
    double loss = 0;
    ptrdiff_t count;
    for (ptrdiff_t i = start; i < stop; i += count) {
        const REAL *x = X(data) + i * n;
        count = stop - i < FASTLR_BLAS_ROWS ? stop - i : FASTLR_BLAS_ROWS;
        if (data->order) {
            for (ptrdiff_t r = 0; r < count; r++)
                memcpy(AT(m->gathered) + r * n, X(data) + data->order[i + r] * n,
                       (size_t)n * sizeof(REAL));
            x = AT(m->gathered);
        }
        /* BLAS counts in columns: there x is (n, count), coef (n, k) and z (count, k). */
        NAME(multiply)(m, 'T', count, k, n, x, n, AT(m->w), n, 0, z, ld);
        for (ptrdiff_t r = 0; r < count; r += FASTLR_BLOCK)
            loss += NAME(linear_slopes)(m, z + r, data, i + r,
                                        count - r < FASTLR_BLOCK ? count - r : FASTLR_BLOCK,
                                        share, learn, i > start || r > 0);
        if (learn)
            NAME(multiply)(m, 'N', n, k, count, x, n, z, ld, i > start, AT(m->grad_coef), n);
    }
    return loss;
}

static double NAME(linear_batch)(const fastlr_linear *m, const fastlr_data *data, ptrdiff_t start,
                                 ptrdiff_t stop, int learn)
{
    if (m->gemm) return NAME(batch_by_blas)(m, data, start, stop, learn);
    if (stop - start == 1) return NAME(batch_of_row)(m, data, start, learn);
    return NAME(batch_by_tiles)(m, data, start, stop, learn);
}

/* Leave the gradient of a mini-batch in the arena, scaling and penalty included. */
static double NAME(linear_gradient)(const fastlr_linear *m, const fastlr_data *data,
                                    ptrdiff_t start, ptrdiff_t stop, ptrdiff_t step)
{
    if (m->folded)
        NAME(fastlr_fold)(AT(m->coef), AT(m->intercept), AT(m->mean), AT(m->inverse), m->outputs,
                          m->features, AT(m->w), AT(m->b));
    const double loss = NAME(linear_batch)(m, data, start, stop, 1);
    if (m->folded)
        NAME(fastlr_unfold)(AT(m->grad_coef), AT(m->grad_intercept), AT(m->mean), AT(m->inverse),
                            m->outputs, m->features);
    if (m->side) {
        const double all = 1.0 / (double)(step + 1), some = 1.0 / (double)m->memory;
        NAME(fastlr_orthant)(AT(m->coef), AT(m->grad_coef), AT(m->mean_grad), AT(m->side),
                             m->outputs * m->features, (REAL)m->l1,
                             (REAL)(all > some ? all : some), step < m->held);
    }
    return loss;
}

#undef AT
#undef X
