"""What compiled training loops need of the stepper: one step without the GIL."""


cdef struct Segment:  # one parameter
    char *p
    const char *g
    char *state[8]
    Py_ssize_t n
    Py_ssize_t group


cdef struct Piece:  # a run of elements of one parameter
    Py_ssize_t segment, start, count


cdef struct Plan:  # all that a thread without the GIL needs for its share of a step
    Segment *segments
    Py_ssize_t n_segments, n_state
    Py_ssize_t itemsize
    size_t kernel, sumsq
    char *rows
    Py_ssize_t n_groups, width, cursor
    double *partial
    Piece *pieces
    Py_ssize_t *first_piece  # of each share, and one more
    int shares


cdef class Stepper:
    cdef readonly long long t
    cdef readonly long long skipped
    cdef readonly object dtype
    cdef Plan plan
    cdef Py_ssize_t length, total, ahead
    cdef object table, refill, params, states, names, complain, kernel_owner, held
    cdef double clip_norm, sign
    cdef bint check, raises, single, keyed
    cdef int typenum
    cdef char **low
    cdef char **high
    cdef int advance(self) noexcept nogil
    cdef int measure(self) noexcept nogil
    cdef bint all_finite(self) noexcept nogil
    cdef void set_scale(self, double norm) noexcept nogil
    cdef int cut(self, int n_threads) except -1
    cdef int load(self, Py_ssize_t i, object grad) except -1
    cdef int load_all(self, object grads) except -1
    cdef int fill(self, Py_ssize_t least) except -1
