/* Weights and gradients of features that are scaled without a copy of X; included once for each
   REAL. */

/* Fold weights and intercept for features (x - mean) * inverse into w and b for rows as they are.
   `mean` may be NULL, for zero. */
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
