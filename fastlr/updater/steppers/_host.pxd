"""What compiled training loops need of the stepper: one step without the GIL."""


cdef struct Segment:  # one parameter
    char *p
    const char *g
    char *state[12]
    Py_ssize_t n
    Py_ssize_t group
    Py_ssize_t norm  # which norm its gradient belongs to
    Py_ssize_t first_turn  # the first of the turns in which its elements are updated


cdef struct Piece:  # a run of elements of one parameter
    Py_ssize_t segment, start, count
    Py_ssize_t kept  # moves that a cautious step keeps


cdef struct Sums:  # of a rule that sums over elements before its update
    size_t measure, adapt  # 0: the rule has none
    Py_ssize_t count, n_scalars, n_derived
    bint shared  # one set over all arrays, rather than one for each
    double *scalars  # of each set
    double *exact  # coefficient rows in double precision
    double *partial  # of each block


cdef struct Finish:  # modifiers that follow the rule
    size_t kernel, count  # 0: there are none
    Py_ssize_t first  # where their arrays begin among the state
    bint cautious
    bint always  # something is to be done though neither L1 nor Lookahead is due


cdef struct Plan:  # all that a thread without the GIL needs for its share of a step
    Segment *segments
    Py_ssize_t n_segments, n_state
    Py_ssize_t itemsize
    size_t kernel, sumsq, moved
    char *rows
    Py_ssize_t n_groups, width, cursor
    double *partial
    double *norms  # one, or one for each group or array
    Py_ssize_t n_norms
    double *moves  # of each turn: squares of its parameters and of their moves; or NULL
    Py_ssize_t turns
    bint measuring  # at this step
    double clip_norm, sign
    double most  # squares of gradients may be that large
    bint clips_arrays
    char *own_rows  # where arrays need a row each: theirs, and last the row of no group
    Sums sums
    Finish finish
    Piece *pieces
    Py_ssize_t *first_piece  # of each share, and one more
    int shares


cdef class Stepper:
    cdef readonly long long t
    cdef readonly long long skipped
    cdef readonly double norm  # of the last gradients, below 0 if it was not computed
    cdef readonly double param_norm, update_norm  # of the last step, below 0 if not measured
    cdef readonly Py_ssize_t culprit  # the first array that was not finite when a step was skipped
    cdef readonly object dtype
    cdef Plan plan
    cdef Py_ssize_t length, total, ahead, measure_every
    cdef object table, refill, params, states, names, complain, kernel_owner, held, scalars, exact
    cdef object finish_owner
    cdef unsigned long in_turn, forks, waiting  # the thread at work, 0 for none; see `enter`
    cdef int nested
    cdef bint check, raises, single, keyed
    cdef int typenum
    cdef char **low
    cdef char **high
    cdef int advance(self) noexcept nogil
    cdef int measure(self) noexcept nogil
    cdef int load(self, Py_ssize_t i, object grad) except -1
    cdef int load_all(self, object grads) except -1
    cdef int fill(self, Py_ssize_t least) except -1
    cdef int enter(self, bint again) except -1
    cdef int leave(self) except -1


ctypedef void (*shared_work)(void *context, int share) noexcept nogil

# Write the gradient scale that belongs to a norm into a coefficient row.
cdef void set_scale(Plan *plan, char *row, double norm) noexcept nogil

# What training loops do before a run of steps, and after it with what they were given.
cdef unsigned int flush_subnormals() noexcept nogil
cdef void restore_arithmetic(unsigned int mode) noexcept nogil

# All compiled loops share the stepper's threads: two teams would take the cores from each other.
cdef void run_team(shared_work work, void *context, int shares) noexcept nogil
