# One epoch of a linear model over sparse rows, without the GIL; included by a stub for each
# instruction set. What it computes is said in reference.py.
#
# A mini-batch is worked on in blocks of rows. Each entry of a block is given the number of its
# feature among those of the block. With many outputs the entries are then sorted by feature, so
# that the gradient of a feature is summed in registers and written once; with few outputs the
# parameters of the features are first gathered. The step works on these features alone; what
# decay and penalties did to the others is caught up when they are next met (_sparse_tables.h).

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, exp, fabs, isfinite, sqrt
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

cimport numpy as cnp

from fastlr.updater.steppers._host cimport (
    Finish, Plan, Segment, Stepper, flush_subnormals, restore_arithmetic, set_scale
)

from fastlr.training.result import EpochResult

cnp.import_array()

include "_data.pxi"
include "_sparse_c.pxi"


cdef class SparseLoop:
    """The compiled epoch; made by `SparseEpoch`, which documents it.

    `plan` is a `lazy.LazyPlan`, None to step all features; `penalty` holds the strength of an L1
    penalty, three numbers of steps in l1.py, and one of meetings in shares.py.
    """

    cdef object arena, held, shared
    cdef Stepper stepper
    cdef fastlr_sparse c
    cdef Segment *coef_segment
    cdef Segment *intercept_segment
    cdef int typenum
    cdef bint linear, idles
    cdef Py_ssize_t collected, many_steps
    cdef char *rows          # coefficients of this step: of the coefficients, of the intercept

    def __init__(
        self, arena, Stepper stepper not None, int form, rule, inverse, plan, tuple penalty,
    ):
        cdef Py_ssize_t k, lanes
        cdef fastlr_sparse *c = &self.c
        if c.last != NULL:
            raise RuntimeError("a SparseLoop is initialised once")
        self.arena, self.stepper = arena, stepper
        self.held = rule, inverse  # pointers below lead there
        take_loss(&c.loss, form, rule)
        if inverse is not None:
            c.inverse = cnp.PyArray_BYTES(inverse)
        c.dense = plan is None
        averaging = -1
        if plan is not None:
            self.linear, self.idles, averaging = plan
        c.l1, c.memory, self.collected, self.many_steps, c.few = penalty
        self.typenum = arena.params.dtype.num
        c.itemsize, c.n_state = arena.params.itemsize, stepper.plan.n_state
        c.features, c.outputs = arena.param["coef"].shape
        names = list(arena.param)
        c.coef = cnp.PyArray_BYTES(arena.param["coef"])
        c.grad_coef = cnp.PyArray_BYTES(arena.grad["coef"])
        self.coef_segment = &stepper.plan.segments[<Py_ssize_t>names.index("coef")]
        if averaging >= 0:
            c.average = self.coef_segment.state[averaging]
        if "intercept" in arena.param:
            c.intercept = cnp.PyArray_BYTES(arena.param["intercept"])
            c.grad_intercept = cnp.PyArray_BYTES(arena.grad["intercept"])
            self.intercept_segment = &stepper.plan.segments[<Py_ssize_t>names.index("intercept")]
        lanes = fastlr_lanes(c.itemsize)
        c.many = FASTLR_VECTORS and c.outputs >= lanes
        c.ld = (c.outputs + lanes - 1) // lanes * lanes if c.many else c.outputs
        # A block's rows of z stay in the nearest cache, where the sorted entries read them.
        k = 24576 // (c.ld * c.itemsize) // FASTLR_BLOCK * FASTLR_BLOCK
        c.block_rows = min(max(k, 2 * FASTLR_BLOCK), FASTLR_MOST_ROWS)
        c.z = <char*>calloc(c.block_rows * c.ld + 16, c.itemsize)
        c.aside = <char*>calloc((c.outputs + 1) * FASTLR_BLOCK, c.itemsize)
        c.last = <int64_t*>calloc(c.features + 1, sizeof(int64_t))
        c.in_batch = <int32_t*>calloc(c.features + 1, sizeof(int32_t))
        c.in_block = <int32_t*>calloc(c.features + 1, sizeof(int32_t))
        c.batch_base = c.block_base = 1
        if (
            c.z == NULL or c.aside == NULL or c.last == NULL or c.in_batch == NULL
            or c.in_block == NULL
        ):
            raise MemoryError

    def share(self, meetings, mean_grad, sides):
        """Take the arrays of `shares.Shares`, each of which may be None."""
        cdef fastlr_sparse *c = &self.c
        self.shared = meetings, mean_grad, sides  # pointers below lead there
        c.batch.room = 0  # what a mini-batch needs room for may have changed
        c.meetings = NULL if meetings is None else <double*>cnp.PyArray_BYTES(meetings)
        c.mean_grad = NULL if mean_grad is None else cnp.PyArray_BYTES(mean_grad)
        c.sides = NULL if sides is None else cnp.PyArray_BYTES(sides)

    def __dealloc__(self):
        fastlr_free_buffers(&self.c)
        free(self.rows)

    cdef bint read(self, X, y, sample_weight, order, fastlr_data *data) except -1:
        """Take the arguments, which are of the right type; return whether all else is fit."""
        cdef cnp.ndarray values = X.data, indices = X.indices, starts = X.indptr
        cdef fastlr_matrix *matrix = &self.c.matrix
        cdef Py_ssize_t rows = X.shape[0], entries = cnp.PyArray_DIM(indices, 0)
        cdef bint fit
        if not take_rows_of(
            data, rows, self.typenum, self.c.outputs, self.c.loss.form, y, sample_weight, order
        ):
            return False
        data.x = NULL
        matrix.values, matrix.indices = cnp.PyArray_BYTES(values), cnp.PyArray_BYTES(indices)
        matrix.starts = cnp.PyArray_BYTES(starts)
        matrix.wide = cnp.PyArray_ITEMSIZE(indices) == 8
        matrix.wide_starts = cnp.PyArray_ITEMSIZE(starts) == 8
        with nogil:
            fit = fastlr_matrix_is_sound(matrix, rows, entries, self.c.features)
        return fit

    def run(self, X, y, sample_weight, order, Py_ssize_t batch_size, bint settle):
        """Train for one epoch; return None, and do nothing, if an argument is unfit.

        Unless `settle`, features may be left behind the steps made.
        """
        cdef fastlr_data data
        cdef Py_ssize_t steps, step = 0, chunk, done
        cdef double loss = 0, weight = 0, per_row
        cdef int status = DONE
        cdef unsigned int mode
        if batch_size < 1 or not self.read(X, y, sample_weight, order, &data):
            return None
        self.c.w, self.c.b = self.c.coef, self.c.intercept
        steps = (data.used + batch_size - 1) // batch_size
        per_row = <double>X.data.size / max(<double>X.shape[0], 1.0) + 1.0
        chunk = <Py_ssize_t>(WORK_PER_CHUNK / (per_row * batch_size * (self.c.outputs + 10.0)))
        chunk = min(max(chunk, 1), MOST_STEPS)
        self.c.held = self.collected if steps >= self.many_steps else 0
        if self.c.dense:
            self.stepper.attach(self.arena.grad)
            memset(self.c.grad_coef, 0, self.c.features * self.c.outputs * self.c.itemsize)
        self.remember(steps)
        try:
            while step < steps and status == DONE:
                chunk = min(chunk, steps - step)
                self.stepper.prepare(chunk)
                if self.rows == NULL:
                    self.rows = <char*>malloc(2 * self.stepper.plan.width * self.c.itemsize)
                    if self.rows == NULL:
                        raise MemoryError
                with nogil:
                    mode = flush_subnormals()
                    status = run_steps(
                        self, &data, batch_size, step, chunk, &done, &loss, &weight)
                    restore_arithmetic(mode)
                step += done
                PyErr_CheckSignals()
        finally:
            if settle:
                self.settle()
        if status == NO_MEMORY:
            raise MemoryError
        return EpochResult(loss, weight, step, step if status else None)

    def evaluate(self, X, y, sample_weight, coef, intercept):
        """Return the summed loss of weights for rows as they are, and the sum of row weights.

        None if data are unfit. `coef` and `intercept` (or None) are fit.
        """
        cdef fastlr_data data
        cdef double loss = 0
        cdef Py_ssize_t start = 0, stop
        cdef bint memory = True
        if not self.read(X, y, sample_weight, None, &data):
            return None
        self.c.w = cnp.PyArray_BYTES(coef)
        self.c.b = NULL if intercept is None else cnp.PyArray_BYTES(intercept)
        while start < data.used and memory:
            stop = min(start + (1 << 14), data.used)
            with nogil:
                memory = fastlr_sparse_evaluate(&self.c, &data, start, stop, &loss)
            start = stop
            PyErr_CheckSignals()
        if not memory:
            raise MemoryError
        return loss, fastlr_sum_weights(&data, 0, data.used)

    def settle(self):
        """Let every feature see all steps."""
        cdef unsigned int mode
        with nogil:
            mode = flush_subnormals()
            fastlr_sparse_catch_up_all(&self.c)
            restore_arithmetic(mode)

    cdef int remember(self, Py_ssize_t steps) except -1:
        """Have room for what that many more steps do to features that they do not touch."""
        cdef fastlr_sparse *c = &self.c
        cdef Py_ssize_t room
        if c.shrunk != NULL and c.clock - c.base > max(c.features, MOST_STEPS):
            self.settle()  # at a cost that is small beside that of so many steps
        room = c.clock - c.base + steps + 1
        if room <= c.room:
            return 0
        room = max(room, 2 * c.room)
        if not (
            fastlr_grow(&c.shrunk, room, sizeof(double))
            and fastlr_grow(&c.pulled, room, sizeof(double))
            and (c.average == NULL or (
                fastlr_grow(&c.kept, room, sizeof(double))
                and fastlr_grow(&c.taken, room, sizeof(double))
            ))
        ):
            raise MemoryError
        if c.room == 0:
            fastlr_begin_tables(c)
        c.room = room
        return 0


include "_sparse_step.pxi"
