/* Arithmetic of the compiled MLP epoch, in plain C: vectors are the compiler's own (GCC and
   Clang), as wide as the instruction set this file is compiled for. Elsewhere a vector has one
   lane, which is correct and slow. */
#ifndef FASTLR_MLP_H
#define FASTLR_MLP_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "_linear.h" /* the exponential and the softmax */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(x) JOIN(x, SUFFIX)

#if defined(__GNUC__) || defined(__clang__)
#define FASTLR_VECTORS 1
#define UNROLL _Pragma("GCC unroll 16")
#define RESTRICT __restrict__
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#else
#define FASTLR_VECTORS 0
#define UNROLL
#define RESTRICT
#endif

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

static ptrdiff_t fastlr_padded(int itemsize, ptrdiff_t columns)
{
    return itemsize == 4 ? fastlr_padded_f32(columns) : fastlr_padded_f64(columns);
}

#endif
