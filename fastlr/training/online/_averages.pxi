# The running averages of online learning for chunks of one row: what estimators/session/
# usual_loss.py and online_rate.py compute, operation by operation, so that bits are the same.
# Modules that include this are compiled without contraction.

from libc.math cimport INFINITY, exp, isfinite, log2, pow, rint, sqrt

cdef enum:  # of estimators/session/online_rate.py
    SHORT = 100
    LONG = 3000
    FIRST = 300
    CHUNKS = 10
    FALL = 400
    CALM = 10_000
    LEARNING = 2000
    MEMORY = 3000  # of usual_loss.py
    KNOWN = 100

cdef double SIGMAS = 6.0, LOWEST = 0.03, HIGHEST = 0.5, RAISE = 5.0, HARD = 20.0, SOFT = 4.0
cdef double DRIFT = 0.3, FAR = 10.0, CUT = 20.0, STEEP = 30.0
cdef double TWO = 2.0  # a variable: pow(x, 2.0) would become x * x


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


cdef bint is_known(Usual *u) noexcept nogil:
    return u.rows >= KNOWN and u.chunks >= CHUNKS


cdef bint is_exceeded(Usual *u, double loss, double norm) noexcept nogil:
    return not (loss <= u.mean + FAR * sqrt(u.variance / 1) and norm <= STEEP * u.norm)


cdef void observe_usual(Usual *u, double loss, double norm) noexcept nogil:
    cdef double share, difference
    u.rows += 1
    u.chunks += 1
    share = least(1 / least(u.rows, MEMORY), 1.0)
    difference = loss - u.mean
    if is_known(u):
        difference = least(difference, CUT * sqrt(u.variance / 1) + u.mean)
    u.mean += share * difference
    u.variance += share * (difference * difference * 1 - u.variance)
    norm = least(norm, STEEP * u.norm if STEEP * u.norm != 0 else norm)
    u.norm += share * (norm - u.norm)


cdef bint rate_is_known(Rate *r) noexcept nogil:
    return r.rows >= FIRST and r.chunks >= CHUNKS


cdef double error(Rate *r) noexcept nogil:
    cdef double short = least(1.0 / SHORT, 1.0), long_ = 1.0 / LONG
    return sqrt(r.variance / 1 * (short / (2 - short) + long_ / (2 - long_)))


cdef void average(Rate *r, double loss) noexcept nogil:
    cdef bint started = r.rows > 0
    cdef double deviation, limit, of_short, share, difference
    r.rows += 1
    r.chunks += 1
    if not started:
        r.short_mean = r.long_mean = loss
        r.variance, r.chunks = 0.0, 1.0
        return
    deviation = sqrt(r.variance / 1) if rate_is_known(r) else INFINITY
    limit = most(SOFT * deviation, 2 * SIGMAS * error(r))
    of_short = least(loss, r.long_mean + limit) if rate_is_known(r) else loss
    share = 1 / most(least(r.rows, LONG), 1)
    difference = least(loss - r.long_mean, HARD * deviation)
    r.long_mean += share * difference
    r.variance += share * (difference * difference * 1 - r.variance)
    share = least(1 / least(r.rows, SHORT), 1.0)
    r.short_mean += share * (of_short - r.short_mean)
    if rate_is_known(r):
        r.lowest_mean = least(r.lowest_mean, r.long_mean)


cdef void fall(Rate *r) noexcept nogil:
    r.at_rest = LOWEST + (r.at_rest - LOWEST) * exp(-1.0 / CALM)
    if r.unlearned != 0:
        r.unlearned /= sqrt(1.0 + pow(r.unlearned, TWO) * 1 / LEARNING)
        r.share = most(r.unlearned, r.at_rest)
    else:
        r.share = r.at_rest + (r.share - r.at_rest) * exp(-1.0 / FALL)


cdef void observe_rate(Rate *r, double loss) noexcept nogil:
    cdef double usual
    if not isfinite(loss):
        return
    usual = r.lowest_mean + SIGMAS * error(r)
    average(r, loss)
    fall(r)
    if usual < r.short_mean:
        r.drifts += 1
        r.share, r.unlearned = most(DRIFT, r.share), 0.0
        r.at_rest = least(RAISE * r.at_rest, HIGHEST)
        r.rows, r.lowest_mean = -<double>FALL, INFINITY
    r.factor = pow(TWO, rint(TWO * log2(r.share)) / TWO)
