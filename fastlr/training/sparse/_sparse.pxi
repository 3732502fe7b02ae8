# One epoch of a linear model over sparse rows, without the GIL; included by a stub for each
# instruction set. What it computes is said in sparse_numpy.py.
#
# A mini-batch is worked on in blocks of rows. Each entry of a block is given the number of its
# feature among those of the block. With many outputs the entries are then sorted by feature, so
# that the gradient of a feature is summed in registers and written once; with few outputs the
# parameters of the features are first gathered. The step works on these features alone; what
# decay and penalties did to the others is caught up when they are next met (_sparse_idle.pxi).

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport isfinite, sqrt
from libc.stdint cimport INT32_MAX, int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

cimport numpy as cnp

from fastlr.updater.steppers._host cimport (
    Finish, Plan, Segment, Stepper, flush_subnormals, restore_arithmetic, set_scale
)

from fastlr.training.result import EpochResult

cnp.import_array()

include "_linear_c.pxi"
include "_sparse_c.pxi"

include "_sparse_parts.pxi"


cdef class SparseLoop:
    """The compiled epoch; made by `SparseEpoch`, which documents it.

    Parameters
    ----------
    arena : Arena
        Holds the parameters and gradients.
    stepper : Stepper
        Steps ``arena.param``.
    form : {"softmax", "logistic", "ovr", "rival", "each"}
        What turns outputs into slopes.
    rule : tuple of int and ndarray, or None
        Address and coefficients of the loss, for the last three.
    inverse : ndarray or None
        What to multiply features with, in the arena's precision.
    plain : bool
        The rule is ``p - rate * g``, so that an L2 penalty in the gradient shrinks features that
        have none.
    idles : bool
        Decay outside the gradient acts on features without a gradient too.
    averaging : int
        Which state array is a running average of the parameters; -1 for none.
    dense : bool
        Step all features every time.
    """

    cdef object arena, row_owner, inverse_owner
    cdef Stepper stepper
    cdef Matrix matrix
    cdef char *coef
    cdef char *intercept
    cdef char *w             # what rows are multiplied with: coef and intercept, or what they are
    cdef char *b             # to be evaluated with
    cdef char *inverse
    cdef char *row
    cdef size_t rule
    cdef Form form
    cdef char *grad_coef
    cdef char *grad_intercept
    cdef Segment *coef_segment
    cdef Segment *intercept_segment
    cdef Py_ssize_t outputs, features, ld, block_rows, itemsize
    cdef int typenum
    cdef bint plain, idles, dense, many
    cdef int averaging
    cdef Block block
    cdef Batch batch
    cdef char *z
    cdef char *aside
    cdef char *rows          # coefficients of this step: of the coefficients, of the intercept
    # Numbers of features, valid from a base on, so that nothing need be cleared between blocks.
    cdef int32_t *in_batch
    cdef int32_t *in_block
    cdef int32_t batch_base, block_base
    # What steps do to features that they do not touch.
    cdef int64_t *last       # steps that each feature has seen
    cdef int64_t clock, base # steps made; those that all features have seen
    cdef bint idle           # whether any of those since has moved features that it did not touch
    cdef Py_ssize_t room     # of the tables
    cdef double *shrunk      # product of what was left of p by each step since
    cdef double *pulled      # sum of the thresholds of L1, each over the product so far
    cdef double *kept        # product of what was left of the average
    cdef double *taken       # sum of what the average took of p, over kept

    def __init__(
        self, arena, Stepper stepper not None, form, rule, inverse, bint plain, bint idles,
        int averaging, bint dense,
    ):
        cdef Py_ssize_t k, lanes
        if self.last != NULL:
            raise RuntimeError("a SparseLoop is initialised once")
        self.arena, self.stepper = arena, stepper
        self.form = {
            "softmax": SOFTMAX, "logistic": LOGISTIC, "ovr": OVR, "rival": RIVAL, "each": EACH
        }[form]
        if rule is not None:
            self.rule, self.row_owner = rule
            self.row = cnp.PyArray_BYTES(self.row_owner)
        if inverse is not None:
            self.inverse_owner = inverse
            self.inverse = cnp.PyArray_BYTES(inverse)
        self.plain, self.idles, self.averaging, self.dense = plain, idles, averaging, dense
        self.typenum = arena.params.dtype.num
        self.itemsize = arena.params.itemsize
        self.features, self.outputs = arena.param["coef"].shape
        names = list(arena.param)
        self.coef = cnp.PyArray_BYTES(arena.param["coef"])
        self.grad_coef = cnp.PyArray_BYTES(arena.grad["coef"])
        self.coef_segment = &stepper.plan.segments[<Py_ssize_t>names.index("coef")]
        if "intercept" in arena.param:
            self.intercept = cnp.PyArray_BYTES(arena.param["intercept"])
            self.grad_intercept = cnp.PyArray_BYTES(arena.grad["intercept"])
            self.intercept_segment = &stepper.plan.segments[<Py_ssize_t>names.index("intercept")]
        lanes = SPARSE_BYTES // self.itemsize
        self.many = SPARSE_VECTORS and self.outputs >= lanes
        self.ld = (self.outputs + lanes - 1) // lanes * lanes if self.many else self.outputs
        # A block's rows of z stay in the nearest cache, where the sorted entries read them.
        k = 24576 // (self.ld * self.itemsize) // FASTLR_BLOCK * FASTLR_BLOCK
        self.block_rows = min(max(k, 2 * FASTLR_BLOCK), MOST_ROWS)
        self.z = <char*>calloc(self.block_rows * self.ld + 16, self.itemsize)
        self.aside = <char*>calloc((self.outputs + 1) * FASTLR_BLOCK, self.itemsize)
        self.last = <int64_t*>calloc(self.features + 1, sizeof(int64_t))
        self.in_batch = <int32_t*>calloc(self.features + 1, sizeof(int32_t))
        self.in_block = <int32_t*>calloc(self.features + 1, sizeof(int32_t))
        self.batch_base = self.block_base = 1
        if (
            self.z == NULL or self.aside == NULL or self.last == NULL or self.in_batch == NULL
            or self.in_block == NULL
        ):
            raise MemoryError

    def __dealloc__(self):
        cdef int k
        free(self.z)
        free(self.aside)
        free(self.rows)
        free(self.last)
        free(self.in_batch)
        free(self.in_block)
        free(self.shrunk)
        free(self.pulled)
        free(self.kept)
        free(self.taken)
        free(self.block.ids)
        free(self.block.scaled)
        free(self.block.features)
        free(self.block.row)
        free(self.block.value)
        free(self.block.begin)
        free(self.block.place)
        free(self.block.fresh)
        free(self.batch.feature)
        free(self.batch.square)
        free(self.batch.g)
        free(self.batch.p)
        for k in range(MOST_STATES):
            free(self.batch.state[k])

    cdef bint read(self, X, y, sample_weight, order, Data *data) except -1:
        """Take the arguments, which are of the right type; return whether all else is fit."""
        cdef cnp.ndarray values = X.data, indices = X.indices, starts = X.indptr
        cdef Matrix *matrix = &self.matrix
        cdef Py_ssize_t rows = X.shape[0], entries = cnp.PyArray_DIM(indices, 0)
        cdef bint fit
        if not take_rows_of(
            data, rows, self.typenum, self.outputs, self.form == EACH, y, sample_weight, order
        ):
            return False
        data.x = NULL
        matrix.values, matrix.indices = cnp.PyArray_BYTES(values), cnp.PyArray_BYTES(indices)
        matrix.starts = cnp.PyArray_BYTES(starts)
        matrix.wide = cnp.PyArray_ITEMSIZE(indices) == 8
        matrix.wide_starts = cnp.PyArray_ITEMSIZE(starts) == 8
        with nogil:
            if matrix.wide:
                fit = sound(matrix, rows, entries, <int64_t>self.features)
            else:
                fit = sound(matrix, rows, entries, <int32_t>self.features)
        return fit

    def run(self, X, y, sample_weight, order, Py_ssize_t batch_size, bint settle):
        """Train for one epoch; return None, and do nothing, if an argument is unfit.

        Unless `settle`, features may be left behind the steps made.
        """
        cdef Data data
        cdef Py_ssize_t steps, step = 0, chunk, done
        cdef double loss = 0, weight = 0, per_row
        cdef int status = DONE
        cdef unsigned int mode
        if batch_size < 1 or not self.read(X, y, sample_weight, order, &data):
            return None
        self.w, self.b = self.coef, self.intercept
        steps = (data.used + batch_size - 1) // batch_size
        per_row = <double>X.data.size / max(<double>X.shape[0], 1.0) + 1.0
        chunk = <Py_ssize_t>(WORK_PER_CHUNK / (per_row * batch_size * (self.outputs + 10.0)))
        chunk = min(max(chunk, 1), MOST_STEPS)
        if self.dense:
            self.stepper.attach(self.arena.grad)
            memset(self.grad_coef, 0, self.features * self.outputs * self.itemsize)
        self.remember(steps)
        try:
            while step < steps and status == DONE:
                chunk = min(chunk, steps - step)
                self.stepper.prepare(chunk)
                if self.rows == NULL:
                    self.rows = <char*>malloc(2 * self.stepper.plan.width * self.itemsize)
                    if self.rows == NULL:
                        raise MemoryError
                with nogil:
                    mode = flush_subnormals()
                    if self.typenum == cnp.NPY_FLOAT32:
                        status = run_steps(
                            self, <float*>NULL, &data, batch_size, step, chunk, &done, &loss,
                            &weight)
                    else:
                        status = run_steps(
                            self, <double*>NULL, &data, batch_size, step, chunk, &done, &loss,
                            &weight)
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
        cdef Data data
        cdef double loss = 0
        cdef Py_ssize_t start = 0, stop
        cdef bint memory = True
        if not self.read(X, y, sample_weight, None, &data):
            return None
        self.w = cnp.PyArray_BYTES(coef)
        self.b = NULL if intercept is None else cnp.PyArray_BYTES(intercept)
        while start < data.used and memory:
            stop = min(start + (1 << 14), data.used)
            with nogil:
                if self.typenum == cnp.NPY_FLOAT32:
                    memory = evaluate_rows(self, <float*>NULL, &data, start, stop, &loss)
                else:
                    memory = evaluate_rows(self, <double*>NULL, &data, start, stop, &loss)
            start = stop
            PyErr_CheckSignals()
        if not memory:
            raise MemoryError
        return loss, sum_weights(&data, 0, data.used)

    def settle(self):
        """Let every feature see all steps."""
        cdef unsigned int mode
        with nogil:
            mode = flush_subnormals()
            if self.typenum == cnp.NPY_FLOAT32:
                catch_up_all(self, <float*>NULL)
            else:
                catch_up_all(self, <double*>NULL)
            restore_arithmetic(mode)

    cdef int remember(self, Py_ssize_t steps) except -1:
        """Have room for what that many more steps do to features that they do not touch."""
        cdef double **tables[4]
        cdef double *made
        cdef Py_ssize_t room
        if self.shrunk != NULL and self.clock - self.base > max(self.features, MOST_STEPS):
            self.settle()  # at a cost that is small beside that of so many steps
        room = self.clock - self.base + steps + 1
        if room <= self.room:
            return 0
        room = max(room, 2 * self.room)
        tables[0], tables[1] = &self.shrunk, &self.pulled
        tables[2], tables[3] = &self.kept, &self.taken
        for k in range(2 if self.averaging < 0 else 4):
            made = <double*>realloc(tables[k][0], room * sizeof(double))
            if made == NULL:
                raise MemoryError
            tables[k][0] = made
        if self.room == 0:
            begin_tables(self)
        self.room = room
        return 0


include "_sparse_idle.pxi"
include "_sparse_block.pxi"
include "_sparse_rows.pxi"
include "_sparse_batch.pxi"
include "_sparse_step.pxi"
