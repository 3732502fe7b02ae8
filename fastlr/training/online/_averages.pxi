# The running averages of online learning for chunks of one row: what estimators/session/
# usual_loss.py and online_rate.py compute, operation by operation, so that bits are the same.
# Modules that include this are compiled without contraction.

from libc.math cimport INFINITY, exp, isfinite, log2, pow, rint, sqrt

cdef double TWO = 2.0  # a variable: pow(x, 2.0) would become x * x


cdef struct UsualConstants:  # of usual_loss.py
    double MEMORY, KNOWN, CHUNKS, FAR, STEEP


cdef struct RateConstants:  # of online_rate.py
    double SHORT, LONG, FIRST, CHUNKS, SIGMAS, LOWEST, HIGHEST, RAISE, FALL, CALM, LEARNING
    double HARD, SOFT, DRIFT


cdef struct Usual:
    double rows, chunks, mean, variance, norm


cdef struct Rate:
    double rows, chunks, short_mean, long_mean, variance, lowest_mean
    double at_rest, share, unlearned, drifts, trained
    double factor


# Python's min and max return the first argument where neither is smaller, NaN included.
cdef inline double least(double a, double b) noexcept nogil:
    return b if b < a else a


cdef inline double most(double a, double b) noexcept nogil:
    return b if b > a else a


cdef bint is_known(const UsualConstants *c, const Usual *u) noexcept nogil:
    return u.rows >= c.KNOWN and u.chunks >= c.CHUNKS


cdef bint is_far(const UsualConstants *c, const Usual *u, double above) noexcept nogil:
    return above > 0 and above * above > c.FAR * c.FAR * u.variance


cdef bint is_exceeded(
    const UsualConstants *c, const Usual *u, double loss, double norm
) noexcept nogil:
    return not (norm <= c.STEEP * u.norm and not is_far(c, u, loss - u.mean))


cdef void observe_usual(
    const UsualConstants *c, Usual *u, double loss, double norm
) noexcept nogil:
    cdef bint known = is_known(c, u)
    cdef double share, difference
    u.rows += 1
    u.chunks += 1
    share = 1 / u.rows if u.rows < c.MEMORY else least(1 / c.MEMORY, 1.0)
    difference = loss - u.mean
    if known:
        if is_far(c, u, difference):
            difference = c.FAR * sqrt(u.variance) + u.mean
        if norm > c.STEEP * u.norm and c.STEEP * u.norm > 0:
            norm = c.STEEP * u.norm
    u.mean += share * difference
    u.variance += share * (difference * difference - u.variance)
    u.norm += share * (norm - u.norm)


cdef bint rate_is_known(const RateConstants *c, const Rate *r) noexcept nogil:
    return r.rows >= c.FIRST and r.chunks >= c.CHUNKS


cdef double error(const RateConstants *c, const Rate *r) noexcept nogil:
    cdef double short = least(1 / c.SHORT, 1.0), long_ = 1 / c.LONG
    return sqrt(r.variance * (short / (2 - short) + long_ / (2 - long_)))


cdef void average(const RateConstants *c, Rate *r, double loss) noexcept nogil:
    cdef bint started = r.rows > 0
    cdef double deviation, limit, of_short, share, difference
    r.rows += 1
    r.chunks += 1
    if not started:
        r.short_mean = r.long_mean = loss
        r.variance, r.chunks = 0.0, 1.0
        return
    deviation = sqrt(r.variance) if rate_is_known(c, r) else INFINITY
    limit = most(c.SOFT * deviation, 2 * c.SIGMAS * error(c, r))
    of_short = least(loss, r.long_mean + limit) if rate_is_known(c, r) else loss
    share = 1 / most(least(r.rows, c.LONG), 1)
    difference = least(loss - r.long_mean, c.HARD * deviation)
    r.long_mean += share * difference
    r.variance += share * (difference * difference - r.variance)
    share = least(1 / least(r.rows, c.SHORT), 1.0)
    r.short_mean += share * (of_short - r.short_mean)
    if rate_is_known(c, r):
        r.lowest_mean = least(r.lowest_mean, r.long_mean)


cdef void fall(const RateConstants *c, Rate *r) noexcept nogil:
    r.at_rest = c.LOWEST + (r.at_rest - c.LOWEST) * exp(-1 / c.CALM)
    if r.unlearned != 0:
        r.unlearned /= sqrt(1.0 + pow(r.unlearned, TWO) / c.LEARNING)
        r.share = most(r.unlearned, r.at_rest)
    else:
        r.share = r.at_rest + (r.share - r.at_rest) * exp(-1 / c.FALL)


cdef void observe_rate(const RateConstants *c, Rate *r, double loss) noexcept nogil:
    cdef double usual
    if not isfinite(loss):
        return
    usual = r.lowest_mean + c.SIGMAS * error(c, r)
    average(c, r, loss)
    fall(c, r)
    if usual < r.short_mean:
        r.drifts += 1
        r.share, r.unlearned = most(c.DRIFT, r.share), 0.0
        r.at_rest = least(c.RAISE * r.at_rest, c.HIGHEST)
        r.rows, r.lowest_mean = -c.FALL, INFINITY
    r.factor = pow(TWO, rint(TWO * log2(r.share)) / TWO)
