/* Arithmetic of the sparse epoch, in plain C; either precision in the files included. A feature's
   coefficients, one for each output, lie side by side. With at least as many outputs as a vector
   has lanes they are worked on a vector at a time, else in plain loops. */
#ifndef FASTLR_SPARSE_H
#define FASTLR_SPARSE_H

#include <stdlib.h>

#include "_data.h"

enum {
    FASTLR_MOST_ROWS = 512,      /* of a block */
    FASTLR_MOST_ENTRIES = 65536, /* of a block of more than one row */
    FASTLR_MOST_STATES = 12,
    FASTLR_AHEAD = 4,          /* features between the one in hand and the one that is fetched */
    FASTLR_ENTRIES_AHEAD = 12, /* entries between the one being added and the one fetched */
    FASTLR_MOST_FETCHED = 1024 /* bytes of a row that are fetched ahead; the rest follow in order */
};

typedef struct { /* rows as SciPy's CSR has them */
    const char *values, *indices, *starts;
    int wide, wide_starts; /* whether indices and starts have 64 bits */
} fastlr_matrix;

typedef struct { /* of rows, with its entries one after the other */
    ptrdiff_t start, stop;
    const char *x[FASTLR_MOST_ROWS];        /* values of each row */
    ptrdiff_t starts[FASTLR_MOST_ROWS + 1]; /* of each row among the entries */
    ptrdiff_t room;                         /* entries there is room for */
    int32_t *ids;      /* feature of each entry; with few outputs, its place */
    char *scaled;      /* values times the scale of their feature, if there is one */
    /* With many outputs: */
    int32_t *features; /* of each entry, its number among those of the block */
    int32_t *row;      /* entries sorted by feature: row in the block */
    char *value;
    int32_t count;     /* features of the block */
    int32_t *begin;    /* of each feature, where its entries begin */
    int32_t *place;    /* and its place in the mini-batch */
    char *fresh;       /* and whether it was not there before this block */
} fastlr_block;

typedef struct { /* features of a mini-batch */
    int32_t count;
    ptrdiff_t room;
    int32_t *feature; /* at each place */
    double *square;   /* sum of squares of its gradient */
    char *g;
    char *side; /* of zero on which its coefficients may lie, where L1 is shared out */
    /* With few outputs, parameters and state are gathered: */
    char *p;
    char *state[FASTLR_MOST_STATES];
} fastlr_batch;

/* A linear model of sparse rows: where everything lies, for either precision. */
typedef struct {
    int itemsize, n_state;
    fastlr_loss loss;
    ptrdiff_t outputs, features;
    ptrdiff_t ld, block_rows; /* of z */
    int many;  /* outputs; entries are then sorted */
    int dense; /* steps of all features */
    fastlr_matrix matrix;
    fastlr_block block;
    fastlr_batch batch;
    char *coef, *grad_coef;
    char *intercept, *grad_intercept; /* NULL without an intercept */
    char *w, *b; /* what rows are evaluated with */
    char *inverse; /* scale of the features, or NULL */
    char *z, *aside;
    /* Numbers of features, valid from a base on, so that nothing need be cleared between blocks. */
    int32_t *in_batch, *in_block;
    int32_t batch_base, block_base;
    /* What steps do to features that they do not touch: _sparse_tables.h. */
    char *average;       /* of the parameters, NULL without one */
    int64_t *last;       /* steps that each feature has seen */
    int64_t clock, base; /* steps made; those that all features have seen */
    int idle;            /* whether any of those since has moved features that it did not touch */
    ptrdiff_t room;      /* of the tables */
    double *shrunk;      /* product of what was left of p by each step since */
    double *pulled;      /* sum of the thresholds of L1, each over the product so far */
    double *kept;        /* product of what was left of the average */
    double *taken;       /* sum of what the average took of p, over kept */
    /* Penalties that have no closed form: _sparse_shares.h. */
    double *meetings;      /* of each feature: step of the last one, mean steps between them, their
                              number; behind them, steps made. NULL where nothing is shared out */
    char *mean_grad;       /* of the coefficients, with L1 */
    char *sides;           /* of all coefficients, with L1 and dense steps */
    double l1, few, memory; /* strength; meetings that means of steps and gradients reach back over */
    ptrdiff_t held;        /* steps at the start of an epoch in which no coefficient leaves zero */
} fastlr_sparse;

#include "_sparse_blocks.h"
#include "_sparse_tables.h"

#include "_real_f32.h"
#include "_losses.h"
#include "_sparse_rows.h"
#include "_orthant.h"
#include "_sparse_idle.h"
#include "_sparse_shares.h"
#define INDEX int32_t
#define WIDTH narrow
#include "_sparse_gather.h"
#define INDEX int64_t
#define WIDTH wide
#include "_sparse_gather.h"
#include "_sparse_batch.h"
#include "_real_end.h"

#include "_real_f64.h"
#include "_losses.h"
#include "_sparse_rows.h"
#include "_orthant.h"
#include "_sparse_idle.h"
#include "_sparse_shares.h"
#define INDEX int32_t
#define WIDTH narrow
#include "_sparse_gather.h"
#define INDEX int64_t
#define WIDTH wide
#include "_sparse_gather.h"
#include "_sparse_batch.h"
#include "_real_end.h"

/* Either precision, as the loop calls it. */
static double fastlr_sparse_gradient(fastlr_sparse *m, const fastlr_data *data, ptrdiff_t start,
                                     ptrdiff_t stop, int *memory)
{
    return m->itemsize == 4 ? sparse_gradient_f32(m, data, start, stop, memory)
                            : sparse_gradient_f64(m, data, start, stop, memory);
}

static int fastlr_sparse_evaluate(fastlr_sparse *m, const fastlr_data *data, ptrdiff_t start,
                                  ptrdiff_t stop, double *loss)
{
    return m->itemsize == 4 ? sparse_evaluate_f32(m, data, start, stop, loss)
                            : sparse_evaluate_f64(m, data, start, stop, loss);
}

static void fastlr_sparse_catch_up_all(fastlr_sparse *m)
{
    if (m->itemsize == 4) catch_up_all_f32(m);
    else catch_up_all_f64(m);
}

static void fastlr_sparse_step_alone(fastlr_sparse *m, const fastlr_idle *one)
{
    if (m->itemsize == 4) step_alone_f32(m, one);
    else step_alone_f64(m, one);
}

static void fastlr_sparse_share(fastlr_sparse *m, double scale, double clip, double l2)
{
    if (m->itemsize == 4) share_penalty_f32(m, scale, clip, l2);
    else share_penalty_f64(m, scale, clip, l2);
}

static void fastlr_sparse_stay(fastlr_sparse *m)
{
    if (m->itemsize == 4) share_stay_f32(m);
    else share_stay_f64(m);
}

static void fastlr_sparse_soften(fastlr_sparse *m, double threshold)
{
    if (m->itemsize == 4) soften_f32(m, threshold);
    else soften_f64(m, threshold);
}

/* Dense steps under L1, as those of dense rows: before the step, and after it. */
static void fastlr_sparse_orthant(fastlr_sparse *m, ptrdiff_t step)
{
    const ptrdiff_t n = m->features * m->outputs;
    const double all = 1.0 / (double)(step + 1), some = 1.0 / m->memory;
    const double share = all > some ? all : some;
    if (m->itemsize == 4)
        fastlr_orthant_f32((float *)m->coef, (float *)m->grad_coef, (float *)m->mean_grad,
                           (float *)m->sides, n, (float)m->l1, (float)share, step < m->held);
    else
        fastlr_orthant_f64((double *)m->coef, (double *)m->grad_coef, (double *)m->mean_grad,
                           (double *)m->sides, n, m->l1, share, step < m->held);
}

static void fastlr_sparse_stay_all(fastlr_sparse *m)
{
    const ptrdiff_t n = m->features * m->outputs;
    if (m->itemsize == 4) fastlr_stay_f32((float *)m->coef, (const float *)m->sides, n);
    else fastlr_stay_f64((double *)m->coef, (const double *)m->sides, n);
}

static void fastlr_sparse_move(const fastlr_sparse *m, char *whole, char *gathered, int back)
{
    if (m->itemsize == 4) move_f32(m, (float *)whole, (float *)gathered, back);
    else move_f64(m, (double *)whole, (double *)gathered, back);
}

static int fastlr_all_finite(int itemsize, const void *x, ptrdiff_t n)
{
    return itemsize == 4 ? all_finite_f32((const float *)x, n)
                         : all_finite_f64((const double *)x, n);
}

/* A number of a row of coefficients. */
static double fastlr_get(int itemsize, const void *row, int i)
{
    return itemsize == 4 ? (double)((const float *)row)[i] : ((const double *)row)[i];
}

static void fastlr_put(int itemsize, void *row, int i, double value)
{
    if (itemsize == 4) ((float *)row)[i] = (float)value;
    else ((double *)row)[i] = value;
}

#endif
