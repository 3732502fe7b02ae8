/* Arithmetic of the compiled MLP epoch, in plain C; either precision in the files included. */
#ifndef FASTLR_MLP_H
#define FASTLR_MLP_H

#include "_data.h"

/* Numbers of the activations, in the order of activations.py. */
enum {
    FASTLR_IDENTITY,
    FASTLR_LOGISTIC,
    FASTLR_TANH,
    FASTLR_RELU,
    FASTLR_LEAKY_RELU,
    FASTLR_ELU,
    FASTLR_GELU,
    FASTLR_SILU,
    FASTLR_SOFTPLUS
};

#include "_mlp_random.h"
#include "_mlp_network.h"

#include "_real_f32.h"
#define LOG_TERMS 8
#define TAIL_TERMS 13
#define TAIL fastlr_tail_short
#define UPPER_HALF 0xfffff000u
#include "_losses.h"
#include "_mlp_functions.h"
#include "_mlp_products.h"
#include "_mlp_sparse.h"
#include "_mlp_passes.h"
#undef LOG_TERMS
#undef TAIL_TERMS
#undef TAIL
#undef UPPER_HALF
#include "_real_end.h"

#include "_real_f64.h"
#define LOG_TERMS 18
#define TAIL_TERMS 25
#define TAIL fastlr_tail_long
#define UPPER_HALF 0xfffffffff8000000u
#include "_losses.h"
#include "_mlp_functions.h"
#include "_mlp_products.h"
#include "_mlp_sparse.h"
#include "_mlp_passes.h"
#undef LOG_TERMS
#undef TAIL_TERMS
#undef TAIL
#undef UPPER_HALF
#include "_real_end.h"

/* Either precision, as teams of threads call it. */
static void fastlr_pack_share(void *context, int share)
{
    fastlr_network *net = (fastlr_network *)context;
    if (net->itemsize == 4) pack_share_f32(net, share);
    else pack_share_f64(net, share);
}

static void fastlr_rows_share(void *context, int share)
{
    fastlr_network *net = (fastlr_network *)context;
    if (net->itemsize == 4) rows_share_f32(net, share);
    else rows_share_f64(net, share);
}

static void fastlr_gradients_share(void *context, int share)
{
    fastlr_network *net = (fastlr_network *)context;
    if (net->itemsize == 4) gradients_share_f32(net, share);
    else gradients_share_f64(net, share);
}

static void fastlr_take_outputs(const fastlr_network *net, char *out)
{
    if (net->itemsize == 4) take_outputs_f32(net, (float *)out);
    else take_outputs_f64(net, (double *)out);
}

static void fastlr_activate(int itemsize, int kind, void *z, void *slope, ptrdiff_t n)
{
    if (itemsize == 4) fastlr_activate_f32(kind, (float *)z, (float *)slope, n);
    else fastlr_activate_f64(kind, (double *)z, (double *)slope, n);
}

static ptrdiff_t fastlr_padded(int itemsize, ptrdiff_t columns)
{
    return itemsize == 4 ? fastlr_padded_f32(columns) : fastlr_padded_f64(columns);
}

#endif
