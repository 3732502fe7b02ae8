/* Arithmetic of the compiled linear epoch, in plain C; either precision in the files included. */
#ifndef FASTLR_LINEAR_H
#define FASTLR_LINEAR_H

#include "_data.h"

/* Rows of the highest tile; a power of two. */
#define FASTLR_TILE 4
/* Rows gathered for BLAS at a time; a multiple of FASTLR_BLOCK. */
#define FASTLR_BLAS_ROWS 128
/* From a row that is a mini-batch of its own to the one that is fetched meanwhile. */
#define FASTLR_ROWS_AHEAD 4

/* A linear model: where everything lies, for either precision. */
typedef struct {
    int itemsize;
    fastlr_loss loss;
    ptrdiff_t outputs, features;
    ptrdiff_t ld; /* of z, which holds FASTLR_BLOCK or FASTLR_BLAS_ROWS scores of each output */
    char *coef, *grad_coef;
    char *intercept, *grad_intercept; /* NULL without an intercept */
    char *w, *b;          /* what rows are multiplied with: coef and intercept themselves, or */
    char *folded;         /* what scaling makes of them; NULL without scaling */
    char *mean, *inverse; /* of the features; the first may be NULL, for zero */
    char *side;           /* of zero on which weights may lie; NULL without L1 */
    char *mean_grad;      /* of the weights, with L1 */
    char *z, *gathered;
    double l1;
    ptrdiff_t memory, held; /* steps, with L1: see l1.py */
    uintptr_t gemm;         /* address of BLAS's product; 0: tiles */
} fastlr_linear;

#include "_real_f32.h"
#include "_losses.h"
#include "_linear_scaling.h"
#include "_orthant.h"
#include "_linear_products.h"
#include "_linear_row.h"
#include "_linear_batch.h"
#include "_real_end.h"

#include "_real_f64.h"
#include "_losses.h"
#include "_linear_scaling.h"
#include "_orthant.h"
#include "_linear_products.h"
#include "_linear_row.h"
#include "_linear_batch.h"
#include "_real_end.h"

/* Either precision, as the loop calls it. */
static double fastlr_linear_batch(const fastlr_linear *m, const fastlr_data *data,
                                  ptrdiff_t start, ptrdiff_t stop, int learn)
{
    return m->itemsize == 4 ? linear_batch_f32(m, data, start, stop, learn)
                            : linear_batch_f64(m, data, start, stop, learn);
}

static double fastlr_linear_gradient(const fastlr_linear *m, const fastlr_data *data,
                                     ptrdiff_t start, ptrdiff_t stop, ptrdiff_t step)
{
    return m->itemsize == 4 ? linear_gradient_f32(m, data, start, stop, step)
                            : linear_gradient_f64(m, data, start, stop, step);
}

static void fastlr_linear_stay(const fastlr_linear *m)
{
    const ptrdiff_t n = m->outputs * m->features;
    if (!m->side) return;
    if (m->itemsize == 4) fastlr_stay_f32((float *)m->coef, (const float *)m->side, n);
    else fastlr_stay_f64((double *)m->coef, (const double *)m->side, n);
}

static void fastlr_exponential(int itemsize, const void *x, void *out, ptrdiff_t n)
{
    if (itemsize == 4) fastlr_exponential_f32((const float *)x, (float *)out, n);
    else fastlr_exponential_f64((const double *)x, (double *)out, n);
}

#endif
