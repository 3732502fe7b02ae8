/* Arithmetic of the compiled linear epoch, in plain C: vectors are the compiler's own
   (GCC and Clang), as wide as the instruction set this file is compiled for. */
#ifndef FASTLR_LINEAR_H
#define FASTLR_LINEAR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(x) JOIN(x, SUFFIX)

/* Rows done at a time: their part of X stays in the first two cache levels between forward and
   backward. A multiple of every tile's rows and of every vector's lanes. */
#define FASTLR_BLOCK 16
/* Rows of the highest tile; a power of two. */
#define FASTLR_TILE 4

#if !defined(FASTLR_TILES)
#if defined(__GNUC__) || defined(__clang__)
#define FASTLR_TILES 1
#else
#define FASTLR_TILES 0
#endif
#endif

/* UNROLL: tiles live in registers only when their loops are gone. ROLLED: GCC takes loops over a
   block apart before it looks for vectors, and then finds fewer. */
#if FASTLR_TILES
#define INLINE inline __attribute__((always_inline, unused))
#define PREFETCH(p) __builtin_prefetch(p)
#define UNROLL _Pragma("GCC unroll 16")
#define ROLLED _Pragma("GCC unroll 1")
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#else
#define PREFETCH(p) ((void)(p))
#define UNROLL
#define ROLLED
#endif

/* Taylor series of e^x. */
static const double inverse_factorials[] = {
    1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
    1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0,
};

#include "_real_f32.h"
#include "_losses.h"
#include "_linear_orthant.h"
#include "_linear_rules.h"
#include "_linear_products.h"
#include "_real_end.h"

#include "_real_f64.h"
#include "_losses.h"
#include "_linear_orthant.h"
#include "_linear_rules.h"
#include "_linear_products.h"
#include "_real_end.h"

#undef NAME
#undef JOIN
#undef JOIN_
#undef INLINE
#undef PREFETCH
#undef UNROLL
#undef ROLLED
#undef VECTOR_BYTES

#endif
