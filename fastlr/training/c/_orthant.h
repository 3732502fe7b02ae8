/* An L1 penalty that any optimizer minimises: no weight may cross zero in one step; included once
   for each REAL. l1.py says what it computes, and why. */

/* Add the slope of l1 * |p| to the gradient, keep the mean gradient, and note on which side of
   zero each weight may lie after the step. 0 * g lets what is not finite be noticed. */
static void NAME(fastlr_orthant)(const REAL *p, REAL *g, REAL *mean, REAL *side, ptrdiff_t n,
                                 REAL l1, REAL share, int held)
{
    const REAL bound = held ? (REAL)INFINITY : l1;
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL m = share == 1 ? g[i] : mean[i] + share * (g[i] - mean[i]);
        const REAL sent = m > bound ? -1 : (m < -bound ? 1 : 0);
        const REAL s = p[i] > 0 ? 1 : (p[i] < 0 ? -1 : sent);
        g[i] = s == 0 ? 0 * g[i] : g[i] + l1 * s;
        mean[i] = m;
        side[i] = s;
    }
}

/* Stop weights at zero that have crossed it. */
static void NAME(fastlr_stay)(REAL *p, const REAL *side, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) p[i] = p[i] * side[i] > 0 ? p[i] : 0;
}
