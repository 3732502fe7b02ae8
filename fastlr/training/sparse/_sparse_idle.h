/* Catching up what idle steps have done; included once for each REAL. */

/* p <- soft(left p, threshold), after avg <- keep avg + take p where there is an average: what steps
   without a gradient do to a feature. */
static void NAME(idle)(REAL *RESTRICT p, REAL *RESTRICT avg, ptrdiff_t n, double left,
                       double threshold, double keep, double take)
{
    const REAL l1 = (REAL)threshold, a = (REAL)keep, b = (REAL)take;
    if (avg)
        for (ptrdiff_t k = 0; k < n; k++) avg[k] = a * avg[k] + b * p[k];
    if (left > 0.5 && left < 1) { /* of a number near 1 single precision keeps few digits */
        const REAL fall = (REAL)(left - 1);
        for (ptrdiff_t k = 0; k < n; k++) p[k] += fall * p[k];
    } else if (left != 1) {
        const REAL scale = (REAL)left;
        for (ptrdiff_t k = 0; k < n; k++) p[k] *= scale;
    }
    if (l1 > 0)
        for (ptrdiff_t k = 0; k < n; k++)
            p[k] = p[k] > l1 ? p[k] - l1 : (p[k] < -l1 ? p[k] + l1 : 0 * p[k]);
}

static void NAME(idle_feature)(fastlr_sparse *m, ptrdiff_t feature, double left, double threshold,
                               double keep, double take)
{
    const ptrdiff_t offset = feature * m->outputs;
    REAL *average = m->average ? (REAL *)m->average + offset : NULL;
    NAME(idle)((REAL *)m->coef + offset, average, m->outputs, left, threshold, keep, take);
}

/* Let a feature see the steps that it has missed. */
static inline void NAME(catch_up)(fastlr_sparse *m, ptrdiff_t feature)
{
    const ptrdiff_t now = m->clock - m->base;
    double keep = 1, take = 0;
    if (!m->idle) return;
    const ptrdiff_t then = m->last[feature] > m->base ? m->last[feature] - m->base : 0;
    if (then >= now) return;
    const double left = m->shrunk[now] / m->shrunk[then];
    const double threshold = m->shrunk[now] * (m->pulled[now] - m->pulled[then]);
    if (m->average) {
        keep = m->kept[now] / m->kept[then];
        take = m->kept[now] * (m->taken[now] - m->taken[then]) / m->shrunk[then];
    }
    NAME(idle_feature)(m, feature, left, threshold, keep, take);
    m->last[feature] = m->clock;
}

static void NAME(catch_up_all)(fastlr_sparse *m)
{
    if (m->room == 0) return;
    if (m->idle)
        for (ptrdiff_t feature = 0; feature < m->features; feature++) NAME(catch_up)(m, feature);
    fastlr_begin_tables(m);
}

/* Let every feature see this step, but for those that it touches. */
static void NAME(step_alone)(fastlr_sparse *m, const fastlr_idle *one)
{
    for (int32_t i = 0; i < m->batch.count; i++) m->last[m->batch.feature[i]] = m->clock + 1;
    for (ptrdiff_t feature = 0; feature < m->features; feature++)
        if (m->last[feature] <= m->clock) {
            NAME(catch_up)(m, feature);
            NAME(idle_feature)(m, feature, one->left, one->threshold, 1 - one->weight,
                               one->weight * one->left);
        }
}

/* A feature's place in the mini-batch; it sees what it has missed if it is new there. */
static int32_t NAME(place_of)(fastlr_sparse *m, int32_t feature, char *fresh)
{
    fastlr_batch *batch = &m->batch;
    int32_t at = m->in_batch[feature] - m->batch_base;
    *fresh = at < 0;
    if (at < 0) {
        at = batch->count++;
        m->in_batch[feature] = m->batch_base + at;
        batch->feature[at] = feature;
        if (!m->dense) NAME(catch_up)(m, feature);
    }
    return at;
}
