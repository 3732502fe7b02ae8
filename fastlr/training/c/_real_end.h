/* The end of _real_f32.h and of _real_f64.h. */
#undef REAL
#undef SUFFIX
#undef SIGNED
#undef BITS
#undef LOG
#undef LOG1P
#undef TERMS
#undef MANTISSA
#undef BIAS
#undef SHIFT
#undef SMALLEST
#undef LARGEST
#undef LN2_HIGH
#undef LN2_LOW
