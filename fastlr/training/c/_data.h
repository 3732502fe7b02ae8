/* The data of an epoch as all loops see them, and which loss they compute. */
#ifndef FASTLR_DATA_H
#define FASTLR_DATA_H

#include "_vectors.h"

/* Rows whose losses are computed together: their part of X stays in the first two cache levels
   between forward and backward. A multiple of every tile's rows and of every vector's lanes. */
#define FASTLR_BLOCK 16

typedef struct {
    const char *x;
    const int64_t *codes;  /* of classes; NULL with `targets` */
    const char *targets;   /* one for each output */
    const double *weight;  /* NULL: all one */
    const int64_t *order;  /* NULL: as they lie */
    ptrdiff_t used;        /* rows of `order`, or of x */
} fastlr_data;

/* How the loss of a row is made of its outputs: REDUCTIONS in losses.py, in its order, and then
   two log-losses whose exponential makes vectors, for "ovr" and "each". */
enum {
    FASTLR_BY_SOFTMAX,
    FASTLR_BY_MULTINOMIAL,
    FASTLR_BY_OVR,
    FASTLR_BY_EACH,
    FASTLR_BY_LOGISTIC,
    FASTLR_BY_LABELS
};

typedef struct {
    int form;
    uintptr_t rule;  /* address of the loss of one output; 0 where the form says it all */
    const void *row; /* its coefficients */
} fastlr_loss;

static INLINE ptrdiff_t fastlr_row_at(const fastlr_data *data, ptrdiff_t i)
{
    return data->order ? (ptrdiff_t)data->order[i] : i;
}

static INLINE double fastlr_weight_at(const fastlr_data *data, ptrdiff_t row)
{
    return data->weight ? data->weight[row] : 1;
}

static double fastlr_sum_weights(const fastlr_data *data, ptrdiff_t start, ptrdiff_t stop)
{
    double total = 0;
    if (!data->weight) return (double)(stop - start);
    for (ptrdiff_t i = start; i < stop; i++) total += data->weight[fastlr_row_at(data, i)];
    return total;
}

/* Taylor series of e^x. */
static const double inverse_factorials[] = {
    1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
    1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0,
};

#endif
