/* Losses that a kernel computes from outputs, targets and weights, for a block of rows; included
   once for each REAL. As for the others, z[k][r] are products without intercept and become the
   gradient times share * weight, with unused lanes zero; the weighted sum of losses is returned. */

typedef double (*NAME(fastlr_rule))(REAL *z, const REAL *y, const REAL *w, const REAL *row,
                                    ptrdiff_t n);

static void NAME(add_intercept)(REAL *z, ptrdiff_t ld, ptrdiff_t outputs, const REAL *intercept)
{
    if (intercept)
        for (ptrdiff_t k = 0; k < outputs; k++)
            for (int r = 0; r < FASTLR_BLOCK; r++) z[k * ld + r] += intercept[k];
}

/* One against the rest: each output is told whether the row is of its class. A single output is
   that of class 1. */
static double NAME(fastlr_ovr)(REAL *z, ptrdiff_t ld, ptrdiff_t outputs, ptrdiff_t rows,
                               const REAL *intercept, const int64_t *codes, const double *weights,
                               double share, NAME(fastlr_rule) rule, const REAL *row)
{
    REAL y[FASTLR_BLOCK] = {0}, w[FASTLR_BLOCK] = {0};
    double loss = 0;
    NAME(add_intercept)(z, ld, outputs, intercept);
    for (ptrdiff_t r = 0; r < rows; r++) w[r] = (REAL)(weights[r] * share);
    for (ptrdiff_t k = 0; k < outputs; k++) {
        const int64_t own = outputs == 1 ? 1 : k;
        for (ptrdiff_t r = 0; r < rows; r++) y[r] = codes[r] == own ? 1 : -1;
        loss += rule(z + k * ld, y, w, row, rows);
    }
    NAME(clear_lanes)(z, ld, outputs, rows);
    return loss / share;
}

/* The margin is the score of the row's class less the largest of the others. */
static double NAME(fastlr_rival)(REAL *z, ptrdiff_t ld, ptrdiff_t outputs, ptrdiff_t rows,
                                 const REAL *intercept, const int64_t *codes,
                                 const double *weights, double share, NAME(fastlr_rule) rule,
                                 const REAL *row)
{
    REAL margin[FASTLR_BLOCK] = {0}, y[FASTLR_BLOCK] = {0}, w[FASTLR_BLOCK] = {0};
    ptrdiff_t rival[FASTLR_BLOCK];
    NAME(add_intercept)(z, ld, outputs, intercept);
    for (ptrdiff_t r = 0; r < rows; r++) {
        ptrdiff_t best = codes[r] == 0;
        for (ptrdiff_t k = best + 1; k < outputs; k++)
            if (k != codes[r] && z[k * ld + r] > z[best * ld + r]) best = k;
        rival[r] = best;
        margin[r] = z[codes[r] * ld + r] - z[best * ld + r];
        y[r] = 1;
        w[r] = (REAL)(weights[r] * share);
    }
    const double loss = rule(margin, y, w, row, rows);
    NAME(clear_lanes)(z, ld, outputs, 0);
    for (ptrdiff_t r = 0; r < rows; r++) {
        z[codes[r] * ld + r] = margin[r];
        z[rival[r] * ld + r] = -margin[r];
    }
    return loss / share;
}

/* Each output has a target of its own: targets[r][k]. */
static double NAME(fastlr_each)(REAL *z, ptrdiff_t ld, ptrdiff_t outputs, ptrdiff_t rows,
                                const REAL *intercept, const REAL *const *targets,
                                const double *weights, double share, NAME(fastlr_rule) rule,
                                const REAL *row)
{
    REAL y[FASTLR_BLOCK] = {0}, w[FASTLR_BLOCK] = {0};
    double loss = 0;
    NAME(add_intercept)(z, ld, outputs, intercept);
    for (ptrdiff_t r = 0; r < rows; r++) w[r] = (REAL)(weights[r] * share);
    for (ptrdiff_t k = 0; k < outputs; k++) {
        for (ptrdiff_t r = 0; r < rows; r++) y[r] = targets[r][k];
        loss += rule(z + k * ld, y, w, row, rows);
    }
    NAME(clear_lanes)(z, ld, outputs, rows);
    return loss / share;
}

/* Features as (x - mean) * inverse without a copy of X: what that makes of weights w and
   intercept b for rows as they are. `mean` may be NULL, for zero. */
static void NAME(fastlr_fold)(const REAL *coef, const REAL *intercept, const REAL *mean,
                              const REAL *inverse, ptrdiff_t outputs, ptrdiff_t n, REAL *w, REAL *b)
{
    for (ptrdiff_t k = 0; k < outputs; k++) {
        const REAL *ck = coef + k * n;
        REAL *wk = w + k * n;
        REAL part[FASTLR_BLOCK] = {0};
        for (ptrdiff_t j = 0; j < n; j++) wk[j] = ck[j] * inverse[j];
        if (!mean) continue;
        ptrdiff_t j = 0;
        for (; j + FASTLR_BLOCK <= n; j += FASTLR_BLOCK)
            ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) part[r] += wk[j + r] * mean[j + r];
        for (int r = 0; j < n; r++, j++) part[r] += wk[j] * mean[j];
        REAL sum = 0;
        for (int r = 0; r < FASTLR_BLOCK; r++) sum += part[r];
        b[k] = intercept[k] - sum;
    }
    if (!mean && intercept) memcpy(b, intercept, (size_t)outputs * sizeof *b);
}

/* The gradient with respect to those weights becomes that with respect to the scaled ones. */
static void NAME(fastlr_unfold)(REAL *grad, const REAL *grad_intercept, const REAL *mean,
                                const REAL *inverse, ptrdiff_t outputs, ptrdiff_t n)
{
    for (ptrdiff_t k = 0; k < outputs; k++) {
        REAL *gk = grad + k * n;
        if (mean) {
            const REAL shift = grad_intercept[k];
            for (ptrdiff_t j = 0; j < n; j++) gk[j] = (gk[j] - mean[j] * shift) * inverse[j];
        } else
            for (ptrdiff_t j = 0; j < n; j++) gk[j] *= inverse[j];
    }
}
