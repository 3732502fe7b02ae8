/* Losses and their slopes, for a block of rows; included once for each REAL.

   z[k][r] are products without intercept and become the gradient with respect to the outputs,
   times share * weight. Lanes from `rows` on may hold anything, and are zero afterwards. The
   weighted sum of losses is returned. */

/* e^x by 2^k e^r with |r| <= log(2)/2, and the Taylor series of e^r to TERMS terms, whose
   remainder is below a tenth of a unit in the last place. Without branches, so that compilers
   make vectors of it. Below SMALLEST the result stays at about the smallest normal number. */
static inline REAL NAME(exponential)(REAL x)
{
    const REAL low = x < SMALLEST ? SMALLEST : x;
    const REAL clipped = low > LARGEST ? LARGEST : low; /* written so that NaN stays NaN */
    /* Adding 1.5 * 2^(mantissa bits) leaves the rounded integer in the lowest bits. */
    const REAL shifted = clipped * (REAL)1.4426950408889634074 + SHIFT;
    const REAL k = shifted - SHIFT;
    const REAL r = (clipped - k * LN2_HIGH) - k * LN2_LOW;
    REAL sum = (REAL)inverse_factorials[TERMS - 1];
    UNROLL for (int i = TERMS - 2; i >= 0; i--) sum = sum * r + (REAL)inverse_factorials[i];
    BITS bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + BIAS) << MANTISSA;
    REAL scale;
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

static void NAME(fastlr_exponential)(const REAL *x, REAL *out, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) out[i] = NAME(exponential)(x[i]);
}

/* Set lanes that no row uses to zero. */
static void NAME(clear_lanes)(REAL *z, ptrdiff_t ld, ptrdiff_t classes, ptrdiff_t rows)
{
    for (ptrdiff_t k = 0; k < classes; k++)
        for (ptrdiff_t r = rows; r < FASTLR_BLOCK; r++) z[k * ld + r] = 0;
}

/* Multinomial log-loss. */
static double NAME(fastlr_softmax)(REAL *z, ptrdiff_t ld, ptrdiff_t classes, ptrdiff_t rows,
                                   const REAL *intercept, const int64_t *codes,
                                   const double *weights, double share)
{
    REAL top[FASTLR_BLOCK], sum[FASTLR_BLOCK], factor[FASTLR_BLOCK], target[FASTLR_BLOCK];
    double loss = 0;
    if (intercept)
        for (ptrdiff_t k = 0; k < classes; k++)
            ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) z[k * ld + r] += intercept[k];
    ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) top[r] = z[r];
    for (ptrdiff_t k = 1; k < classes; k++)
        ROLLED for (int r = 0; r < FASTLR_BLOCK; r++)
            top[r] = z[k * ld + r] > top[r] ? z[k * ld + r] : top[r];
    for (ptrdiff_t r = 0; r < rows; r++) target[r] = z[codes[r] * ld + r] - top[r];
    ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) sum[r] = 0;
    for (ptrdiff_t k = 0; k < classes; k++) {
        REAL *zk = z + k * ld;
        ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) {
            zk[r] = NAME(exponential)(zk[r] - top[r]);
            sum[r] += zk[r];
        }
    }
    for (ptrdiff_t r = 0; r < FASTLR_BLOCK; r++) {
        const double weight = r < rows ? weights[r] : 0;
        factor[r] = (REAL)(weight * share);
        if (r < rows) loss += weight * (double)(LOG(sum[r]) - target[r]);
    }
    ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) sum[r] = factor[r] / sum[r];
    for (ptrdiff_t k = 0; k < classes; k++)
        ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) z[k * ld + r] *= sum[r];
    for (ptrdiff_t r = 0; r < rows; r++) z[codes[r] * ld + r] -= factor[r];
    NAME(clear_lanes)(z, ld, classes, rows);
    return loss;
}

/* Binary log-loss of each logit, the same way: a row is of its class or not; a single logit is
   that of class 1. */
static double NAME(fastlr_logistic)(REAL *z, ptrdiff_t ld, ptrdiff_t classes, ptrdiff_t rows,
                                    const REAL *intercept, const int64_t *codes,
                                    const double *weights, double share)
{
    REAL e[FASTLR_BLOCK];
    double loss = 0;
    for (ptrdiff_t k = 0; k < classes; k++, z += ld) {
        const int64_t own = classes == 1 ? 1 : k;
        const REAL b = intercept ? intercept[k] : 0;
        ROLLED for (int r = 0; r < FASTLR_BLOCK; r++) {
            z[r] += b;
            e[r] = NAME(exponential)(z[r] < 0 ? z[r] : -z[r]);
        }
        for (ptrdiff_t r = 0; r < rows; r++) {
            const REAL wrong = codes[r] == own ? -z[r] : z[r]; /* logit of what the row is not */
            loss += weights[r] * (double)((wrong < 0 ? 0 : wrong) + LOG1P(e[r]));
        }
        for (ptrdiff_t r = 0; r < rows; r++)
            z[r] = (REAL)(weights[r] * share) *
                   ((z[r] < 0 ? e[r] : 1) / (1 + e[r]) - (REAL)(codes[r] == own));
        NAME(clear_lanes)(z, ld, 1, rows);
    }
    return loss;
}

/* g[k] (+)= sum over a block of the gradient, whose unused lanes are zero. */
static void NAME(fastlr_sum_rows)(const REAL *d, ptrdiff_t ld, ptrdiff_t classes, REAL *g, int add)
{
    for (ptrdiff_t k = 0; k < classes; k++) {
        REAL part[FASTLR_BLOCK / 2];
        for (int r = 0; r < FASTLR_BLOCK / 2; r++)
            part[r] = d[k * ld + r] + d[k * ld + r + FASTLR_BLOCK / 2];
        UNROLL for (int half = FASTLR_BLOCK / 4; half; half /= 2)
            UNROLL for (int r = 0; r < half; r++) part[r] += part[r + half];
        g[k] = add ? g[k] + part[0] : part[0];
    }
}

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

/* Log-loss of each output with a target of its own, +1 or -1. */
static double NAME(fastlr_labels)(REAL *z, ptrdiff_t ld, ptrdiff_t outputs, ptrdiff_t rows,
                                  const REAL *intercept, const REAL *const *targets,
                                  const double *weights, double share)
{
    int64_t codes[FASTLR_BLOCK];
    double loss = 0;
    for (ptrdiff_t k = 0; k < outputs; k++) {
        for (ptrdiff_t r = 0; r < rows; r++) codes[r] = targets[r][k] > 0;
        loss += NAME(fastlr_logistic)(z + k * ld, ld, 1, rows, intercept ? intercept + k : NULL,
                                      codes, weights, share);
    }
    return loss;
}

/* The loss in use, for up to FASTLR_BLOCK rows of the data from `start` on. */
static double NAME(fastlr_block_loss)(const fastlr_loss *loss, const fastlr_data *data,
                                      ptrdiff_t start, ptrdiff_t rows, REAL *z, ptrdiff_t ld,
                                      ptrdiff_t outputs, const REAL *intercept, double share)
{
    int64_t codes[FASTLR_BLOCK];
    const REAL *targets[FASTLR_BLOCK];
    double weights[FASTLR_BLOCK];
    const NAME(fastlr_rule) rule = (NAME(fastlr_rule))loss->rule;
    const REAL *row = (const REAL *)loss->row;
    for (ptrdiff_t r = 0; r < rows; r++) {
        const ptrdiff_t at = fastlr_row_at(data, start + r);
        if (data->codes) codes[r] = data->codes[at];
        else targets[r] = (const REAL *)data->targets + at * outputs;
        weights[r] = fastlr_weight_at(data, at);
    }
    switch (loss->form) {
    case FASTLR_BY_SOFTMAX:
        return NAME(fastlr_softmax)(z, ld, outputs, rows, intercept, codes, weights, share);
    case FASTLR_BY_LOGISTIC:
        return NAME(fastlr_logistic)(z, ld, outputs, rows, intercept, codes, weights, share);
    case FASTLR_BY_LABELS:
        return NAME(fastlr_labels)(z, ld, outputs, rows, intercept, targets, weights, share);
    case FASTLR_BY_OVR:
        return NAME(fastlr_ovr)(z, ld, outputs, rows, intercept, codes, weights, share, rule, row);
    case FASTLR_BY_MULTINOMIAL:
        return NAME(fastlr_rival)(z, ld, outputs, rows, intercept, codes, weights, share, rule,
                                  row);
    default:
        return NAME(fastlr_each)(z, ld, outputs, rows, intercept, targets, weights, share, rule,
                                 row);
    }
}
