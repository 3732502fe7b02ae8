/* The ground that all loops stand on: names for either precision, and vectors of numbers, which
   are the compiler's own, as wide as the instruction set that a file is compiled for. In portable
   C a vector has one lane, which is correct and slow. */
#ifndef FASTLR_VECTORS_H
#define FASTLR_VECTORS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "_portable.h"

/* Files that are included once for each REAL end the names of what they define with its SUFFIX. */
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(x) JOIN(x, SUFFIX)

#if defined(_MSC_VER)
#define RESTRICT __restrict
#else
#define RESTRICT restrict
#endif

/* UNROLL: accumulators live in registers only when their loops are gone. ROLLED: GCC takes loops
   over a block apart before it looks for vectors, and then finds fewer. */
#if FASTLR_PORTABLE_C

#define FASTLR_VECTORS 0
#define INLINE inline
#define UNROLL
#define ROLLED
#define PREFETCH(p) ((void)(p))
#define PREFETCH_FAR(p) ((void)(p))
#define VECTOR_BYTES ((int)sizeof(REAL))
#define VEC REAL
#define ZERO ((REAL)0)
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
static INLINE ptrdiff_t fastlr_lanes(ptrdiff_t itemsize) { return (void)itemsize, 1; }

#else

#define FASTLR_VECTORS 1
#define INLINE inline __attribute__((always_inline, unused))
#define UNROLL _Pragma("GCC unroll 16")
#define ROLLED _Pragma("GCC unroll 1")
#define PREFETCH(p) __builtin_prefetch(p)
#define PREFETCH_FAR(p) __builtin_prefetch(p, 0, 2) /* into the second cache level */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef float vector_f32 __attribute__((vector_size(VECTOR_BYTES)));
typedef double vector_f64 __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t mask_f32 __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t mask_f64 __attribute__((vector_size(VECTOR_BYTES)));
typedef float unaligned_f32 __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef double unaligned_f64 __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
#define VEC NAME(vector)
#define MASK NAME(mask)
#define ZERO (VEC){0}
#define LOAD(p) ((VEC) * (const NAME(unaligned) *)(p))
#define STORE(p, v) (*(NAME(unaligned) *)(p) = (v))
static INLINE ptrdiff_t fastlr_lanes(ptrdiff_t itemsize) { return VECTOR_BYTES / itemsize; }

#endif

#define LANES ((ptrdiff_t)(VECTOR_BYTES / sizeof(REAL)))

#endif
