/* Penalties of rules without a closed form, shared out among the mini-batches that hold a feature;
   included once for each REAL. shares.py says what is computed, and why. */

/* Add to the gradient of each feature of the mini-batch its share of both penalties: that of a
   step, times the steps from one meeting to the next. `scale` and `clip` are applied before. */
static void NAME(share_penalty)(fastlr_sparse *m, double scale, double clip, double l2)
{
    const ptrdiff_t n = m->outputs;
    const double now = ++m->meetings[3 * m->features];
    for (ptrdiff_t i = 0; i < m->batch.count; i++) {
        const ptrdiff_t feature = m->batch.feature[i];
        double *met = m->meetings + 3 * feature;
        const int first = met[2] == 0;
        REAL *g = (REAL *)m->batch.g + i * m->ld;
        const REAL *p = m->many ? (const REAL *)m->coef + feature * n
                                : (const REAL *)m->batch.p + i * n;
        const double newest = first ? 1 : now - met[0];
        const double weight = first ? 1 : 1 / (met[2] < m->few ? met[2] : m->few);
        if (i + FASTLR_AHEAD < m->batch.count)
            PREFETCH(m->meetings + 3 * m->batch.feature[i + FASTLR_AHEAD]);
        met[0] = now;
        met[1] += weight * (newest - met[1]);
        met[2] += met[2] < m->memory;
        const REAL s = (REAL)scale, c = (REAL)clip, ridge = (REAL)(l2 * met[1]);
        for (ptrdiff_t k = 0; k < n; k++) {
            const REAL scaled = g[k] * s, low = scaled > c ? c : scaled;
            g[k] = low < -c ? -c : low;
        }
        if (m->l1 > 0 && clip > 0)
            NAME(fastlr_orthant)(p, g, (REAL *)m->mean_grad + feature * n,
                                 (REAL *)m->batch.side + i * n, n, (REAL)(m->l1 * met[1]),
                                 (REAL)(1 / met[2]), first);
        for (ptrdiff_t k = 0; k < n; k++) g[k] += ridge * p[k];
    }
}

/* Stop weights at zero that have crossed it. */
static void NAME(share_stay)(fastlr_sparse *m)
{
    const ptrdiff_t n = m->outputs;
    for (ptrdiff_t i = 0; i < m->batch.count; i++)
        NAME(fastlr_stay)((REAL *)m->coef + m->batch.feature[i] * n,
                          (const REAL *)m->batch.side + i * n, n);
}

/* The L1 part of a step in the features that it has moved, where a closed form catches up others. */
static void NAME(soften)(fastlr_sparse *m, double threshold)
{
    const ptrdiff_t n = m->outputs;
    for (ptrdiff_t i = 0; i < m->batch.count; i++)
        NAME(idle)((REAL *)m->coef + m->batch.feature[i] * n, NULL, n, 1, threshold, 1, 0);
}
