# One epoch of a linear model without the GIL; included by a stub for each instruction set.
# What it computes is said in linear_numpy.py. Two ways lead there: register-blocked tiles that
# read rows where they lie, and BLAS on gathered rows, which wins once there are many classes.
# The stubs ask setup.py for contraction: multiplications and additions may be fused, so that
# instruction sets differ in the last bits. On one of them, results are the same every time.

from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.math cimport isfinite
from libc.stdint cimport int64_t
from libc.string cimport memcpy

cimport numpy as cnp

from fastlr.updater.steppers._host cimport Stepper, flush_subnormals, restore_arithmetic

import numpy as np

from fastlr.training.result import EpochResult

cnp.import_array()

include "_linear_c.pxi"

ctypedef fused real:
    float
    double

# Rows gathered for BLAS at a time; a multiple of FASTLR_BLOCK.
cdef Py_ssize_t BLAS_ROWS = 128
cdef char TRANSPOSED = b"T"
cdef char AS_IS = b"N"
# From a row that is a mini-batch of its own to the one that is fetched meanwhile.
cdef Py_ssize_t ROWS_AHEAD = 4
# Multiplications between two looks at Ctrl-C, which need the GIL.
cdef double WORK_PER_CHUNK = 2e9
# Steps whose coefficients are computed at a time, at most.
cdef Py_ssize_t MOST_STEPS = 4096


# What turns a block of outputs into slopes; LinearEpoch chooses.
cdef enum Form:
    SOFTMAX, LOGISTIC, LABELS, OVR, RIVAL, EACH


include "_data.pxi"


cdef class LinearLoop:
    """The compiled epoch; made by `LinearEpoch`, which documents it.

    Parameters
    ----------
    arena : Arena
        Holds the parameters and gradients.
    stepper : Stepper
        Steps ``arena.param``.
    form : {"softmax", "logistic", "labels", "ovr", "rival", "each"}
        What turns outputs into slopes.
    rule : tuple of int and ndarray, or None
        Address and coefficients of the loss, for the last three.
    scaling : tuple of ndarray, or None
        Mean (or None) and inverse scale of the features, in the arena's precision.
    penalty : tuple
        Strength of an L1 penalty, and the three numbers of steps in linear_l1.py.
    blas : bool or None
        Whether to use BLAS; None: whichever is faster.
    """

    cdef object arena, scratch, gemm_owner, row_owner, scaling
    cdef Stepper stepper
    cdef char *coef
    cdef char *grad_coef
    cdef char *intercept
    cdef char *grad_intercept
    cdef char *w                # what rows are multiplied with: coef and intercept themselves,
    cdef char *b                # or, for scaled features, `folded`
    cdef char *folded
    cdef char *mean
    cdef char *inverse
    cdef char *side             # of zero on which weights may lie, and their mean gradients
    cdef char *mean_grad        # behind that; both NULL without L1
    cdef char *z
    cdef char *gathered
    cdef char *row
    cdef size_t rule
    cdef double l1
    cdef Py_ssize_t memory, collected, many, held
    cdef Py_ssize_t outputs, features, ld
    cdef int typenum
    cdef Form form
    cdef readonly bint blas
    cdef void *gemm

    def __init__(self, arena, Stepper stepper not None, form, rule, scaling, penalty, blas):
        cdef Py_ssize_t itemsize = arena.params.itemsize
        self.arena, self.stepper, self.scaling = arena, stepper, scaling
        self.form = {
            "softmax": SOFTMAX, "logistic": LOGISTIC, "labels": LABELS, "ovr": OVR,
            "rival": RIVAL, "each": EACH,
        }[form]
        self.rule = 0
        self.l1, self.memory, self.collected, self.many = penalty
        self.row = self.mean = self.inverse = self.folded = NULL
        if rule is not None:
            self.rule, self.row_owner = rule
            self.row = cnp.PyArray_BYTES(self.row_owner)
        self.typenum = arena.params.dtype.num
        self.outputs, self.features = arena.param["coef"].shape
        self.coef = cnp.PyArray_BYTES(arena.param["coef"])
        self.grad_coef = cnp.PyArray_BYTES(arena.grad["coef"])
        self.intercept = self.grad_intercept = NULL
        if "intercept" in arena.param:
            self.intercept = cnp.PyArray_BYTES(arena.param["intercept"])
            self.grad_intercept = cnp.PyArray_BYTES(arena.grad["intercept"])
        if blas is None:
            # Measured: tiles win up to 16 outputs of 16 features, 34 of 64, and 64 of 200.
            blas = not FASTLR_TILES or self.outputs > min(64, 12 + self.features // 3)
        self.blas = blas
        self.ld = FASTLR_BLOCK
        gathered = folded = side = 0
        if self.blas:
            self.load_gemm("sgemm" if self.typenum == cnp.NPY_FLOAT32 else "dgemm")
            self.ld = BLAS_ROWS
            gathered = BLAS_ROWS * self.features
        if scaling is not None:
            folded = self.outputs * (self.features + 1)
        if self.l1 > 0:
            side = self.outputs * self.features
        scores = self.outputs * self.ld
        self.scratch = np.zeros((scores + gathered + folded + 2 * side) * itemsize + 64, np.uint8)
        self.z = cnp.PyArray_BYTES(self.scratch)
        self.z += -<Py_ssize_t>self.z & 63
        self.gathered = self.z + <Py_ssize_t>(scores * itemsize)
        if scaling is not None:
            mean, inverse = scaling
            self.mean = NULL if mean is None else cnp.PyArray_BYTES(mean)
            self.inverse = cnp.PyArray_BYTES(inverse)
            self.folded = self.gathered + <Py_ssize_t>(gathered * itemsize)
        self.side = self.mean_grad = NULL
        if side:
            self.side = self.gathered + <Py_ssize_t>((gathered + folded) * itemsize)
            self.mean_grad = self.side + <Py_ssize_t>(side * itemsize)
        self.use_own_weights()

    def load_gemm(self, name):
        """Take the function's address from SciPy, which then need not be there at build time."""
        from scipy.linalg import cython_blas

        capsule = cython_blas.__pyx_capi__[name]
        self.gemm = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))
        self.gemm_owner = capsule

    cdef void use_own_weights(self) noexcept:
        """Multiply rows with the parameters themselves, or with what scaling makes of them."""
        self.w, self.b = self.coef, self.intercept
        if self.folded != NULL:
            self.w = self.folded
            if self.intercept != NULL:
                self.b = self.folded + <Py_ssize_t>(
                    self.outputs * self.features * self.arena.params.itemsize)

    cdef bint read(self, X, y, sample_weight, order, Data *data) except -1:
        """Take the arguments; return whether they are fit."""
        if not (fits(X, self.typenum, 2, -1) and cnp.PyArray_DIM(X, 1) == self.features):
            return False
        data.x = cnp.PyArray_BYTES(X)
        return take_rows_of(
            data, cnp.PyArray_DIM(X, 0), self.typenum, self.outputs,
            self.form == EACH or self.form == LABELS, y, sample_weight, order)

    def run(self, X, y, sample_weight, order, Py_ssize_t batch_size):
        """Train for one epoch; return None, and do nothing, if an argument is unfit."""
        cdef Data data
        cdef Py_ssize_t steps, step = 0, chunk, done
        cdef double loss = 0, weight = 0
        cdef int status = 0
        cdef unsigned int mode
        if batch_size < 1 or not self.read(X, y, sample_weight, order, &data):
            return None
        self.stepper.attach(self.arena.grad)
        steps = (data.used + batch_size - 1) // batch_size
        self.held = self.collected if steps >= self.many else 0
        chunk = <Py_ssize_t>(
            WORK_PER_CHUNK / (2.0 * batch_size * self.features * self.outputs + 1.0)
        )
        chunk = min(max(chunk, 1), MOST_STEPS)
        while step < steps and status == 0:
            chunk = min(chunk, steps - step)
            self.stepper.prepare(chunk)
            with nogil:
                mode = flush_subnormals()
                if self.typenum == cnp.NPY_FLOAT32:
                    status = run_steps(
                        self, <float*>self.z, &data, batch_size, step, chunk, &done, &loss, &weight
                    )
                else:
                    status = run_steps(
                        self, <double*>self.z, &data, batch_size, step, chunk, &done, &loss, &weight
                    )
                restore_arithmetic(mode)
            step += done
            PyErr_CheckSignals()
        return EpochResult(loss, weight, step, step if status else None)

    def evaluate(self, X, y, sample_weight, coef, intercept):
        """Return the summed loss of weights for rows as they are, and the sum of row weights.

        None if data are unfit. `coef` and `intercept` (or None) are fit.
        """
        cdef Data data
        cdef Py_ssize_t start = 0, chunk, stop
        cdef double loss = 0
        if not self.read(X, y, sample_weight, None, &data):
            return None
        chunk = <Py_ssize_t>(WORK_PER_CHUNK / (1.0 * self.features * self.outputs + 1.0))
        chunk = max(chunk - chunk % BLAS_ROWS, BLAS_ROWS)
        try:
            self.w = cnp.PyArray_BYTES(coef)
            self.b = NULL if intercept is None else cnp.PyArray_BYTES(intercept)
            while start < data.used:
                stop = min(start + chunk, data.used)
                with nogil:
                    if self.typenum == cnp.NPY_FLOAT32:
                        loss += batch(self, <float*>self.z, &data, start, stop, False)
                    else:
                        loss += batch(self, <double*>self.z, &data, start, stop, False)
                start = stop
                PyErr_CheckSignals()
        finally:
            self.use_own_weights()
        return loss, sum_weights(&data, 0, data.used)


cdef int run_steps(
    LinearLoop m, real *z, Data *data, Py_ssize_t batch_size, Py_ssize_t first, Py_ssize_t count,
    Py_ssize_t *done, double *loss, double *weight,
) noexcept nogil:
    """Make `count` steps; return 0, or 1 if a loss or gradient was not finite."""
    cdef Py_ssize_t i, start
    done[0] = 0
    for i in range(first, first + count):
        start = i * batch_size
        if make_step(m, z, data, start, min(start + batch_size, data.used), i, loss, weight):
            return 1
        done[0] += 1
    return 0


cdef int make_step(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t step,
    double *loss, double *weight,
) noexcept nogil:
    """Make one step on some rows; return 0, or 1 if their loss or gradient was not finite."""
    cdef double batch_loss
    if m.folded != NULL:
        fold(m, z)
    batch_loss = batch(m, z, data, start, stop, True)
    if m.folded != NULL:
        unfold(m, z)
    if m.side != NULL:
        penalise(m, z, step)
    if not isfinite(batch_loss) or m.stepper.advance() == 2:
        return 1
    if m.side != NULL:
        stay(m, z)
    loss[0] += batch_loss
    weight[0] += sum_weights(data, start, stop)
    return 0


include "_linear_batch.pxi"
include "_linear_block.pxi"
include "_linear_together.pxi"
