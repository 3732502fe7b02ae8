/* Double precision, for files that are included once for each REAL; _real_end.h ends it. */
#define REAL double
#define SUFFIX f64
#define SIGNED int64_t
#define BITS uint64_t
#define LOG log
#define LOG1P log1p
#define TERMS 14
#define MANTISSA 52
#define BIAS 1023
#define SHIFT 6755399441055744.0
#define SMALLEST -708.0
#define LARGEST 709.0
#define LN2_HIGH 0.6931471805592082
#define LN2_LOW 7.371002565167799e-13
