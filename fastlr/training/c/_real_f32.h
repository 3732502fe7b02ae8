/* Single precision, for files that are included once for each REAL; _real_end.h ends it. */
#define REAL float
#define SUFFIX f32
#define SIGNED int32_t
#define BITS uint32_t
#define LOG logf
#define LOG1P log1pf
#define TERMS 8
#define MANTISSA 23
#define BIAS 127
#define SHIFT 12582912.0f
#define SMALLEST -87.0f
#define LARGEST 88.0f
/* log(2) in two parts; the first has so few bits that its product with k is exact. */
#define LN2_HIGH 0.693359375f
#define LN2_LOW -0.00021219444005469057f
