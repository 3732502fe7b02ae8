/* Arithmetic of the sparse epoch, in plain C; the same for both precisions in _sparse_rows.h.
   A feature's coefficients, one for each output, lie side by side. With at least as many outputs
   as a vector has lanes they are worked on a vector at a time, else in plain loops. */
#ifndef FASTLR_SPARSE_H
#define FASTLR_SPARSE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define SPARSE_VECTORS 1
#define SPARSE_INLINE inline __attribute__((always_inline, unused))
#define SPARSE_UNROLL _Pragma("GCC unroll 16")
#define SPARSE_PREFETCH(p) __builtin_prefetch(p)
#define SPARSE_RESTRICT __restrict__
#if defined(__AVX512F__)
#define SPARSE_BYTES 64
#elif defined(__AVX__)
#define SPARSE_BYTES 32
#else
#define SPARSE_BYTES 16
#endif
#else
#define SPARSE_VECTORS 0
#define SPARSE_INLINE inline
#define SPARSE_UNROLL
#define SPARSE_PREFETCH(p) ((void)(p))
#define SPARSE_RESTRICT
#define SPARSE_BYTES 16
#endif

/* Entries between the one being added and the one whose coefficients are fetched. */
#define SPARSE_AHEAD 12

#define SPARSE_JOIN_(a, b) a##_##b
#define SPARSE_JOIN(a, b) SPARSE_JOIN_(a, b)
#define SPARSE_NAME(x) SPARSE_JOIN(x, SUFFIX)

#define REAL float
#define SUFFIX f32
#include "_sparse_rows.h"
#undef REAL
#undef SUFFIX

#define REAL double
#define SUFFIX f64
#include "_sparse_rows.h"
#undef REAL
#undef SUFFIX

#endif
