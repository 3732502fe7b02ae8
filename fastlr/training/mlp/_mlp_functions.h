/* Activations with their slopes, and masks; included once for each REAL.

   Loops without branches over contiguous numbers, so that compilers make vectors of them. Results
   are within a few units in the last place, relative, tails and neighbourhood of zero included. */

#ifndef FASTLR_MLP_CONSTANTS
#define FASTLR_MLP_CONSTANTS
/* e^(x^2) erfc(x) (1 + 2x) for x >= 0, as a polynomial of t = (x - 3) / (x + 3): interpolated at
   Chebyshev nodes in 60 digits. Largest relative errors 2.4e-9 and 1.2e-17. */
static const double fastlr_tail_short[] = {
    1.2530080583,     -0.13562106822,   -0.047562293828, 0.12964409102,    -0.11927367843,
    0.068316697294,   -0.023770388711,  0.0024988226114, 0.0018882157008,  -0.00072616080117,
    -0.00010422117711, 7.7204139381e-5, 3.8917515572e-6,
};
static const double fastlr_tail_long[] = {
    1.2530080582697296529,      -0.13562110612458117271,   -0.047562294353450872048,
    0.12964515870276061969,     -0.11927366341530699196,   0.068308027343978475049,
    -0.023770514918645886956,   0.002529391816066239156,   0.0018886903591561552193,
    -0.00077983227210839912488, -0.00010515979981501177668, 0.00012509935235563107558,
    4.9494849925705951714e-6,   -0.000020100567931289228112, -7.3151051641590619093e-7,
    3.4724146028756860322e-6,   3.5683839153992204616e-7,  -6.1664960776043527766e-7,
    -1.4160064940265986074e-7,  1.0187000600072885081e-7,  4.1807846988455821994e-8,
    -1.3326364813003833048e-8,  -8.5003979297726153534e-9, 9.8857988311393649366e-10,
    8.8642190164270920236e-10,
};
#endif

/* e^x - 1: as 2^k (e^r - 1) + (2^k - 1), the first part by the series without its first term; and
   e^x, which is that plus one, but exact where it is small. */
static inline REAL NAME(exponential_less_one)(REAL x, REAL *whole)
{
    const REAL low = x < SMALLEST ? SMALLEST : x;
    const REAL clipped = low > LARGEST ? LARGEST : low; /* written so that NaN stays NaN */
    const REAL shifted = clipped * (REAL)1.4426950408889634074 + SHIFT;
    const REAL k = shifted - SHIFT;
    const REAL r = (clipped - k * LN2_HIGH) - k * LN2_LOW;
    REAL sum = (REAL)inverse_factorials[TERMS - 1];
    UNROLL for (int i = TERMS - 2; i >= 2; i--) sum = sum * r + (REAL)inverse_factorials[i];
    sum = sum * r * r + r;
    BITS bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + BIAS) << MANTISSA;
    REAL scale;
    memcpy(&scale, &bits, sizeof scale);
    *whole = sum * scale + scale;
    return sum * scale + (scale - 1);
}

/* log(1 + e) for e in [0, 1]: twice the series of atanh at e / (2 + e), at most 1/3. */
static inline REAL NAME(log_one_plus)(REAL e)
{
    const REAL s = e / (2 + e), square = s * s;
    REAL sum = 1 / (REAL)(2 * LOG_TERMS - 1);
    UNROLL for (int i = LOG_TERMS - 2; i >= 1; i--) sum = sum * square + 1 / (REAL)(2 * i + 1);
    return 2 * (s + s * square * sum);
}

/* e^(-z^2 / 2), with z^2 in two parts: rounding it would be a relative error of z^2 / 2 units. */
static inline REAL NAME(bell)(REAL z)
{
    BITS bits;
    REAL high;
    memcpy(&bits, &z, sizeof bits);
    bits &= UPPER_HALF;
    memcpy(&high, &bits, sizeof high);
    const REAL rest = (z - high) * (z + high);
    return NAME(exponential)((REAL)-0.5 * high * high) * NAME(exponential)((REAL)-0.5 * rest);
}

static void NAME(logistic_units)(REAL *RESTRICT z, REAL *RESTRICT slope, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL e = NAME(exponential)(z[i] < 0 ? z[i] : -z[i]), share = 1 / (1 + e);
        const REAL small = e * share;
        z[i] = z[i] < 0 ? small : share;
        slope[i] = small * share;
    }
}

static void NAME(tanh_units)(REAL *RESTRICT z, REAL *RESTRICT slope, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL size = z[i] < 0 ? -z[i] : z[i];
        const REAL limit = size > 40 ? 40 : size; /* the value is 1 long before */
        REAL whole;
        const REAL e = NAME(exponential_less_one)(2 * limit, &whole), inverse = 1 / (e + 2);
        const REAL value = e * inverse;
        z[i] = z[i] < 0 ? -value : value;
        slope[i] = 4 * whole * inverse * inverse;
    }
}

static void NAME(relu_units)(REAL *RESTRICT z, REAL *RESTRICT slope, ptrdiff_t n, REAL leak)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        slope[i] = z[i] > 0 ? 1 : leak;
        z[i] = z[i] <= 0 ? leak * z[i] : z[i]; /* NaN stays NaN */
    }
}

static void NAME(elu_units)(REAL *RESTRICT z, REAL *RESTRICT slope, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        REAL whole;
        const REAL e = NAME(exponential_less_one)(z[i] > 0 ? 0 : z[i], &whole);
        slope[i] = whole;
        z[i] = z[i] > 0 ? z[i] : e;
    }
}

static void NAME(gelu_units)(REAL *RESTRICT z, REAL *RESTRICT slope, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL size = z[i] < 0 ? -z[i] : z[i];
        /* Beyond this the bell is zero; infinity would make t undefined. */
        const REAL limit = size > (REAL)40 ? (REAL)40 : size;
        const REAL x = limit * (REAL)0.70710678118654752440, t = (x - 3) / (x + 3);
        REAL sum = (REAL)TAIL[TAIL_TERMS - 1];
        UNROLL for (int k = TAIL_TERMS - 2; k >= 0; k--) sum = sum * t + (REAL)TAIL[k];
        const REAL bell = NAME(bell)(limit);
        const REAL tail = (REAL)0.5 * bell * sum / (1 + 2 * x); /* P(N > size) */
        const REAL below = z[i] < 0 ? tail : 1 - tail;
        slope[i] = below + z[i] * bell * (REAL)0.39894228040143267794;
        z[i] *= below;
    }
}

static void NAME(silu_units)(REAL *RESTRICT z, REAL *RESTRICT slope, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL e = NAME(exponential)(z[i] < 0 ? z[i] : -z[i]), share = 1 / (1 + e);
        const REAL small = e * share, gate = z[i] < 0 ? small : share;
        slope[i] = gate + z[i] * small * share;
        z[i] *= gate;
    }
}

static void NAME(softplus_units)(REAL *RESTRICT z, REAL *RESTRICT slope, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const REAL e = NAME(exponential)(z[i] < 0 ? z[i] : -z[i]), share = 1 / (1 + e);
        slope[i] = z[i] < 0 ? e * share : share;
        z[i] = (z[i] < 0 ? 0 : z[i]) + NAME(log_one_plus)(e);
    }
}

/* z becomes f(z), and slope f'(z). */
static void NAME(fastlr_activate)(int kind, REAL *z, REAL *slope, ptrdiff_t n)
{
    switch (kind) {
    case FASTLR_LOGISTIC: NAME(logistic_units)(z, slope, n); break;
    case FASTLR_TANH: NAME(tanh_units)(z, slope, n); break;
    case FASTLR_RELU: NAME(relu_units)(z, slope, n, 0); break;
    case FASTLR_LEAKY_RELU: NAME(relu_units)(z, slope, n, (REAL)0.01); break;
    case FASTLR_ELU: NAME(elu_units)(z, slope, n); break;
    case FASTLR_GELU: NAME(gelu_units)(z, slope, n); break;
    case FASTLR_SILU: NAME(silu_units)(z, slope, n); break;
    case FASTLR_SOFTPLUS: NAME(softplus_units)(z, slope, n); break;
    default:
        for (ptrdiff_t i = 0; i < n; i++) slope[i] = 1;
    }
}

/* What a row is multiplied with: 0 where the number drawn is below `threshold`, else `kept`. */
static void NAME(fastlr_drop)(uint64_t key, uint32_t threshold, REAL kept, REAL *RESTRICT mask,
                              ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i++)
        mask[i] = fastlr_number(key, (uint32_t)i) < threshold ? 0 : kept;
}
