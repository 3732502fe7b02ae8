/* A row alone: its products, its loss and its gradient. Included once for each REAL.

   For it, a tile would compute four rows and the losses sixteen lanes. Scores lie one after the
   other here: z[k]. */

static void NAME(fastlr_row_forward)(const REAL *x, const REAL *ahead, const REAL *w,
                                     ptrdiff_t outputs, ptrdiff_t n, REAL *z)
{
    if (ahead) {
        for (ptrdiff_t j = 0; j < n; j += 64 / (ptrdiff_t)sizeof(REAL)) PREFETCH(ahead + j);
        PREFETCH(ahead + n - 1);
    }
    for (ptrdiff_t k = 0; k < outputs; k++, w += n) {
        REAL sum = 0;
        ptrdiff_t j = 0;
#if FASTLR_VECTORS
        if (n >= LANES) {
            VEC acc = ZERO, second = ZERO;
            for (; j + 2 * LANES <= n; j += 2 * LANES) {
                acc += LOAD(x + j) * LOAD(w + j);
                second += LOAD(x + j + LANES) * LOAD(w + j + LANES);
            }
            if (j + LANES <= n) {
                acc += LOAD(x + j) * LOAD(w + j);
                j += LANES;
            }
            if (j < n) {
                const ptrdiff_t last = n - LANES;
                second += (VEC)((MASK)LOAD(x + last) & FRESH(n - j)) * LOAD(w + last);
            }
            z[k] = NAME(horizontal_sum)(acc + second);
            continue;
        }
#endif
        for (; j < n; j++) sum += x[j] * w[j];
        z[k] = sum;
    }
}

/* g[k][j] = z[k] x[j] */
static void NAME(fastlr_row_backward)(const REAL *x, const REAL *z, ptrdiff_t outputs, ptrdiff_t n,
                                      REAL *g)
{
    for (ptrdiff_t k = 0; k < outputs; k++, g += n) {
        const REAL d = z[k];
        ptrdiff_t j = 0;
#if FASTLR_VECTORS
        if (n >= LANES) {
            for (; j + LANES <= n; j += LANES) STORE(g + j, d * LOAD(x + j));
            if (j < n) STORE(g + n - LANES, d * LOAD(x + n - LANES));
            continue;
        }
#endif
        for (; j < n; j++) g[j] = d * x[j];
    }
}

/* The losses do what those for a block do, to one row. */
static double NAME(fastlr_row_softmax)(REAL *z, ptrdiff_t classes, const REAL *intercept,
                                       int64_t code, double weight)
{
    REAL sum = 0;
    if (intercept)
        for (ptrdiff_t k = 0; k < classes; k++) z[k] += intercept[k];
    REAL top = z[0];
    for (ptrdiff_t k = 1; k < classes; k++) top = z[k] > top ? z[k] : top;
    const REAL target = z[code] - top;
    for (ptrdiff_t k = 0; k < classes; k++) z[k] = NAME(exponential)(z[k] - top);
    for (ptrdiff_t k = 0; k < classes; k++) sum += z[k];
    const REAL factor = (REAL)weight, each = factor / sum;
    for (ptrdiff_t k = 0; k < classes; k++) z[k] *= each;
    z[code] -= factor;
    return weight * (double)(LOG(sum) - target);
}

/* Is the row of the class? */
static double NAME(fastlr_row_logistic)(REAL *z, const REAL *intercept, int own, double weight)
{
    const REAL s = z[0] + (intercept ? intercept[0] : 0), e = NAME(exponential)(s < 0 ? s : -s);
    const REAL wrong = own ? -s : s;
    z[0] = (REAL)weight * ((s < 0 ? e : 1) / (1 + e) - (REAL)own);
    return weight * (double)((wrong < 0 ? 0 : wrong) + LOG1P(e));
}

static double NAME(fastlr_row_rival)(REAL *z, ptrdiff_t outputs, const REAL *intercept,
                                     int64_t code, double weight, NAME(fastlr_rule) rule,
                                     const REAL *row)
{
    ptrdiff_t best = code == 0;
    const REAL y = 1, w = (REAL)weight;
    if (intercept)
        for (ptrdiff_t k = 0; k < outputs; k++) z[k] += intercept[k];
    for (ptrdiff_t k = best + 1; k < outputs; k++)
        if (k != code && z[k] > z[best]) best = k;
    REAL margin = z[code] - z[best];
    const double loss = rule(&margin, &y, &w, row, 1);
    memset(z, 0, (size_t)outputs * sizeof *z);
    z[code] = margin;
    z[best] = -margin;
    return loss;
}

/* Targets of each output: those given, or +1 for the class of the row and -1 for the others. */
static double NAME(fastlr_row_each)(REAL *z, ptrdiff_t outputs, const REAL *intercept,
                                    const REAL *targets, int64_t code, double weight,
                                    NAME(fastlr_rule) rule, const REAL *row)
{
    const REAL w = (REAL)weight;
    double loss = 0;
    for (ptrdiff_t k = 0; k < outputs; k++) {
        const int64_t own = outputs == 1 ? 1 : k;
        const REAL y = targets ? targets[k] : code == own ? 1 : -1;
        if (intercept) z[k] += intercept[k];
        loss += rule(z + k, &y, &w, row, 1);
    }
    return loss;
}

/* The loss in use, of a row of the data. */
static double NAME(fastlr_row_loss)(const fastlr_loss *loss, const fastlr_data *data,
                                    ptrdiff_t row, REAL *z, ptrdiff_t outputs,
                                    const REAL *intercept)
{
    const NAME(fastlr_rule) rule = (NAME(fastlr_rule))loss->rule;
    const REAL *terms = (const REAL *)loss->row, *targets = NULL;
    const int64_t code = data->codes ? data->codes[row] : 0;
    const double weight = fastlr_weight_at(data, row);
    double sum = 0;
    if (!data->codes) targets = (const REAL *)data->targets + row * outputs;
    switch (loss->form) {
    case FASTLR_BY_SOFTMAX: return NAME(fastlr_row_softmax)(z, outputs, intercept, code, weight);
    case FASTLR_BY_MULTINOMIAL:
        return NAME(fastlr_row_rival)(z, outputs, intercept, code, weight, rule, terms);
    case FASTLR_BY_OVR:
    case FASTLR_BY_EACH:
        return NAME(fastlr_row_each)(z, outputs, intercept, targets, code, weight, rule, terms);
    default: /* log-losses */
        for (ptrdiff_t k = 0; k < outputs; k++) {
            const int own = targets ? targets[k] > 0 : code == (outputs == 1 ? 1 : k);
            sum += NAME(fastlr_row_logistic)(z + k, intercept ? intercept + k : NULL, own, weight);
        }
        return sum;
    }
}
