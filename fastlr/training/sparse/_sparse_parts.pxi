# Types of the sparse loop: its data, a block of rows, and the features of a mini-batch.

ctypedef fused real:
    float
    double

ctypedef fused index:
    int32_t
    int64_t

ctypedef void (*kernel_t)(void *p, const void *g, void **s, const void *c, Py_ssize_t n) noexcept nogil
ctypedef double (*sumsq_t)(const void *x, Py_ssize_t n) noexcept nogil
ctypedef Py_ssize_t (*count_t)(
    const void *p, const void *g, void **s, const void *c, Py_ssize_t n) noexcept nogil

include "_columns.pxi"  # where a coefficient row holds what
cdef enum:
    MOST_ROWS = 512          # of a block
    MOST_ENTRIES = 65536     # of a block of more than one row
    MOST_STATES = 12
    AHEAD = 4                # features between the one in hand and the one that is fetched
    MOST_FETCHED = 1024      # bytes of a row that are fetched ahead; the rest follow in order
cdef enum:
    DONE = 0
    SKIPPED = 1
    DIVERGED = 2
    NO_MEMORY = 3
# Multiplications between two looks at Ctrl-C, which need the GIL.
cdef double WORK_PER_CHUNK = 3e8
# Steps whose coefficients are computed at a time, at most.
cdef Py_ssize_t MOST_STEPS = 4096
# Elements that a rule and what follows it work on in turn: few enough to stay in a near cache.
cdef Py_ssize_t TURN = 1024


# What turns a block of outputs into slopes; SparseEpoch chooses.
cdef enum Form:
    SOFTMAX, LOGISTIC, OVR, RIVAL, EACH


include "_data.pxi"


cdef struct Matrix:
    const char *values
    const char *indices
    const char *starts       # of rows, SciPy's indptr
    bint wide                # 64-bit indices
    bint wide_starts


cdef struct Block:  # of rows, with its entries one after the other
    Py_ssize_t start, stop
    const char *x[MOST_ROWS]           # values of each row
    Py_ssize_t starts[MOST_ROWS + 1]   # of each row among the entries
    Py_ssize_t room                    # entries there is room for
    int32_t *ids                       # feature of each entry; with few outputs, its place
    char *scaled                       # values times the scale of their feature, if there is one
    # With many outputs:
    int32_t *features                  # of each entry, its number among those of the block
    int32_t *row                       # entries sorted by feature: row in the block
    char *value
    int32_t count                      # features of the block
    int32_t *begin                     # of each feature, where its entries begin
    int32_t *place                     # and its place in the mini-batch
    char *fresh                        # and whether it was not there before this block


cdef struct Batch:  # features of a mini-batch
    int32_t count
    Py_ssize_t room
    int32_t *feature                   # at each place
    double *square                     # sum of squares of its gradient
    char *g
    # With few outputs, parameters and state are gathered:
    char *p
    char *state[MOST_STATES]


cdef inline Py_ssize_t start_of(Matrix *matrix, Py_ssize_t row) noexcept nogil:
    """Where a row's entries begin, and those of the row before it end."""
    if matrix.wide_starts:
        return <Py_ssize_t>(<const int64_t*>matrix.starts)[row]
    return <Py_ssize_t>(<const int32_t*>matrix.starts)[row]


cdef bint sound(
    Matrix *matrix, Py_ssize_t rows, Py_ssize_t entries, index features
) noexcept nogil:
    """Whether row starts do not fall, and indices lie within the features."""
    cdef const index *indices = <const index*>matrix.indices
    cdef Py_ssize_t i, length
    cdef index low = 0, high = -1
    if start_of(matrix, 0) < 0 or start_of(matrix, rows) > entries:
        return False
    for i in range(rows):
        length = start_of(matrix, i + 1) - start_of(matrix, i)
        if length < 0 or length > INT32_MAX // 2:
            return False
    for i in range(start_of(matrix, 0), start_of(matrix, rows)):
        low = min(low, indices[i])
        high = max(high, indices[i])
    return low >= 0 and high < features
