# What _sparse.h declares.

cdef extern from "_sparse.h" nogil:
    enum: FASTLR_VECTORS
    enum: FASTLR_MOST_ROWS
    enum: FASTLR_MOST_STATES
    enum: FASTLR_AHEAD
    Py_ssize_t fastlr_lanes(Py_ssize_t itemsize)
    ctypedef struct fastlr_idle:
        double left, threshold, weight, soft
        bint alone
    ctypedef struct fastlr_matrix:
        const char *values
        const char *indices
        const char *starts
        bint wide, wide_starts
    ctypedef struct fastlr_batch:
        int32_t count
        Py_ssize_t room
        int32_t *feature
        double *square
        char *g
        char *p
        char *state[12]
    ctypedef struct fastlr_sparse:
        int itemsize, n_state
        fastlr_loss loss
        Py_ssize_t outputs, features, ld, block_rows, room
        bint many, dense, idle
        fastlr_matrix matrix
        fastlr_batch batch
        char *coef
        char *grad_coef
        char *intercept
        char *grad_intercept
        char *w
        char *b
        char *inverse
        char *z
        char *aside
        char *average
        int32_t *in_batch
        int32_t *in_block
        int32_t batch_base, block_base
        int64_t *last
        int64_t clock, base
        double *shrunk
        double *pulled
        double *kept
        double *taken
        double *meetings
        char *mean_grad
        char *sides
        double l1, few, memory
        Py_ssize_t held
    bint fastlr_matrix_is_sound(
        const fastlr_matrix *matrix, Py_ssize_t rows, Py_ssize_t entries, Py_ssize_t features)
    bint fastlr_grow(void *buffer, Py_ssize_t count, Py_ssize_t size)
    void fastlr_fetch(const char *start, Py_ssize_t size)
    void fastlr_free_buffers(fastlr_sparse *m)
    void fastlr_begin_tables(fastlr_sparse *m)
    void fastlr_note_idle(fastlr_sparse *m, const fastlr_idle *one)
    double fastlr_sparse_gradient(
        fastlr_sparse *m, const fastlr_data *data, Py_ssize_t start, Py_ssize_t stop, bint *memory)
    bint fastlr_sparse_evaluate(
        fastlr_sparse *m, const fastlr_data *data, Py_ssize_t start, Py_ssize_t stop, double *loss)
    void fastlr_sparse_catch_up_all(fastlr_sparse *m)
    void fastlr_sparse_step_alone(fastlr_sparse *m, const fastlr_idle *one)
    void fastlr_sparse_share(fastlr_sparse *m, double scale, double clip, double l2)
    void fastlr_sparse_stay(fastlr_sparse *m)
    void fastlr_sparse_soften(fastlr_sparse *m, double threshold)
    void fastlr_sparse_orthant(fastlr_sparse *m, Py_ssize_t step)
    void fastlr_sparse_stay_all(fastlr_sparse *m)
    void fastlr_sparse_move(const fastlr_sparse *m, char *whole, char *gathered, bint back)
    bint fastlr_all_finite(int itemsize, const void *x, Py_ssize_t n)
    double fastlr_get(int itemsize, const void *row, int i)
    void fastlr_put(int itemsize, void *row, int i, double value)

ctypedef void (*kernel_t)(void *p, const void *g, void **s, const void *c, Py_ssize_t n) noexcept nogil
ctypedef double (*sumsq_t)(const void *x, Py_ssize_t n) noexcept nogil
ctypedef Py_ssize_t (*count_t)(
    const void *p, const void *g, void **s, const void *c, Py_ssize_t n) noexcept nogil

include "_columns.pxi"  # where a coefficient row holds what

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
