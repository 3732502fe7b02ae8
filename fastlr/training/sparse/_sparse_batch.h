/* Loss and gradient of a mini-batch, block by block; included once for each REAL. */

#define AT(pointer) ((REAL *)(pointer))

/* Turn a block's products into slopes; return the loss. Slopes of the intercept are added up if
   the rows are to `learn` from, from zero on unless `add`. */
static double NAME(loss_rows)(fastlr_sparse *m, const fastlr_data *data, ptrdiff_t start,
                              ptrdiff_t stop, double share, int learn, int add)
{
    REAL *aside = AT(m->aside);
    double loss = 0;
    ptrdiff_t count;
    for (ptrdiff_t i = start; i < stop; i += count) {
        REAL *z = AT(m->z) + (i - start) * m->ld;
        count = fastlr_least(stop - i, FASTLR_BLOCK);
        NAME(sparse_aside)(z, m->ld, count, m->outputs, aside);
        loss += NAME(fastlr_block_loss)(&m->loss, data, i, count, aside, FASTLR_BLOCK, m->outputs,
                                        AT(m->b), share);
        if (learn && m->intercept)
            NAME(fastlr_sum_rows)(aside, FASTLR_BLOCK, m->outputs, AT(m->grad_intercept),
                                  add || i > start);
        NAME(sparse_back)(aside, m->ld, count, m->outputs, z);
    }
    return loss;
}

/* Outputs of a block's rows, without intercept, by the coefficients of features or places. */
static void NAME(block_forward)(fastlr_sparse *m, const REAL *p)
{
    const fastlr_block *b = &m->block;
    const ptrdiff_t rows = b->stop - b->start;
    const REAL *const *x = (const REAL *const *)b->x;
#if FASTLR_VECTORS
    if (m->many) {
        NAME(sparse_forward)(x, b->ids, b->starts, rows, p, m->outputs, AT(m->z), m->ld);
        return;
    }
#endif
    NAME(sparse_forward_few)(x, b->ids, b->starts, rows, p, m->outputs, AT(m->z));
}

/* Add a block to the gradient of the mini-batch. */
static void NAME(block_backward)(fastlr_sparse *m)
{
    const fastlr_block *b = &m->block;
#if FASTLR_VECTORS
    if (m->many) {
        NAME(sparse_backward)(AT(b->value), b->row, b->begin, 0, b->count, AT(m->z), m->ld,
                              b->place, b->fresh, AT(m->batch.g), m->batch.square);
        return;
    }
#endif
    NAME(sparse_backward_few)((const REAL *const *)b->x, b->ids, b->starts, b->stop - b->start,
                              AT(m->z), m->outputs, AT(m->batch.g));
}

/* Leave the gradient of a mini-batch with its features; return its weighted loss. */
static double NAME(sparse_gradient)(fastlr_sparse *m, const fastlr_data *data, ptrdiff_t start,
                                    ptrdiff_t stop, int *memory)
{
    fastlr_block *b = &m->block;
    double loss = 0;
    fastlr_renumber(m);
    for (ptrdiff_t i = start; i < stop; i = b->stop) {
        *memory = fastlr_cut_block(m, data, i, stop) && fastlr_enlarge_batch(m);
        if (!*memory) return 0;
        if (m->block_base > INT32_MAX - b->starts[b->stop - i] - 1) {
            memset(m->in_block, 0, (size_t)m->features * sizeof *m->in_block);
            m->block_base = 1;
        }
        const int alone = i == start && b->stop == stop;
        if (m->many && m->matrix.wide) NAME(sort_many_wide)(m, data, alone);
        else if (m->many) NAME(sort_many_narrow)(m, data, alone);
        else if (m->matrix.wide) NAME(gather_few_wide)(m, data);
        else NAME(gather_few_narrow)(m, data);
        NAME(block_forward)(m, AT(m->many ? m->coef : m->batch.p));
        loss += NAME(loss_rows)(m, data, i, b->stop, 1.0 / (double)(stop - start), 1, i > start);
        NAME(block_backward)(m);
        if (m->many) m->block_base += b->count;
    }
    return loss;
}

/* Add the losses of rows, without a gradient; false if memory ran out. */
static int NAME(sparse_evaluate)(fastlr_sparse *m, const fastlr_data *data, ptrdiff_t start,
                                 ptrdiff_t stop, double *loss)
{
    fastlr_block *b = &m->block;
    for (ptrdiff_t i = start; i < stop; i = b->stop) {
        ptrdiff_t n = 0;
        if (!fastlr_cut_block(m, data, i, stop)) return 0;
        for (ptrdiff_t r = i; r < b->stop; r++) {
            const ptrdiff_t first = fastlr_start_of(&m->matrix, r);
            const ptrdiff_t length = b->starts[r - i + 1] - b->starts[r - i];
            for (ptrdiff_t j = first; j < first + length; j++)
                b->ids[n++] = (int32_t)fastlr_index_at(&m->matrix, j);
        }
        NAME(block_forward)(m, AT(m->w));
        *loss += NAME(loss_rows)(m, data, i, b->stop, 1.0, 0, 0);
    }
    return 1;
}

/* Gather the elements of the mini-batch's features, or put them back. */
static void NAME(move)(const fastlr_sparse *m, REAL *whole, REAL *near, int back)
{
    const ptrdiff_t n = m->outputs;
    for (ptrdiff_t i = 0; i < m->batch.count; i++) {
        REAL *far = whole + m->batch.feature[i] * n;
        for (ptrdiff_t k = 0; k < n; k++)
            if (back) far[k] = near[i * n + k];
            else near[i * n + k] = far[k];
    }
}

static int NAME(all_finite)(const REAL *x, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return 0;
    return 1;
}

#undef AT
