# What the addresses in a plan point to, and the sizes that work is cut into.

ctypedef void (*kernel_t)(void *p, const void *g, void **s, const void *c, Py_ssize_t n) noexcept nogil
ctypedef double (*sumsq_t)(const void *x, Py_ssize_t n) noexcept nogil
ctypedef double (*moved_t)(const void *before, const void *after, Py_ssize_t n) noexcept nogil
ctypedef void (*measure_t)(
    double *lanes, const void *p, const void *g, void **s, const void *c, Py_ssize_t n
) noexcept nogil
ctypedef Py_ssize_t (*count_t)(
    const void *p, const void *g, void **s, const void *c, Py_ssize_t n
) noexcept nogil
ctypedef void (*adapt_t)(
    const double *sums, const double *exact, double *scalars, void *row
) noexcept nogil

# Norms are summed in blocks of fixed size, in fixed order: the result does not depend on threads.
cdef Py_ssize_t NORM_BLOCK = 16384
cdef enum:
    MOST_SUMS = 8  # that a rule may ask for
# Elements that a rule and what follows it work on in turn: few enough to stay in a near cache.
cdef enum:
    TURN = 1024
# Where a coefficient row holds what: the build writes it from the table in Python.
include "_columns.pxi"
# Below this many elements a step is shorter than handing the GIL over and back.
cdef Py_ssize_t RELEASE_GIL_FROM = 16384
# Below this many elements for each thread, a step is over before another thread has begun.
cdef Py_ssize_t THREAD_FROM = 16384
# Rows of coefficients computed at a time: few at first, so that the first step is quick, then
# twice as many each time, so that a long run hardly ever stops for them.
cdef Py_ssize_t FIRST_ROWS = 256
cdef Py_ssize_t MOST_ROWS = 4096
