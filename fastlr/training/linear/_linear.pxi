# One epoch of a linear model without the GIL; included by a stub for each instruction set.
# What it computes is said in reference.py. Two ways lead there: register-blocked tiles that
# read rows where they lie, and BLAS on gathered rows, which wins once there are many classes.
# The stubs ask setup.py for contraction: multiplications and additions may be fused, so that
# instruction sets differ in the last bits. On one of them, results are the same every time.

from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer, PyCapsule_New
from libc.math cimport isfinite
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

cimport numpy as cnp

from fastlr.updater.steppers._host cimport Stepper, flush_subnormals, restore_arithmetic

import numpy as np

from fastlr.training.result import EpochResult

cnp.import_array()

include "_data.pxi"
include "_linear_c.pxi"

# Multiplications between two looks at Ctrl-C, which need the GIL.
cdef double WORK_PER_CHUNK = 2e9
# Steps whose coefficients are computed at a time, at most.
cdef Py_ssize_t MOST_STEPS = 4096


cdef class LinearLoop:
    """The compiled epoch; made by `LinearEpoch`, which documents it.

    `penalty` holds the strength of an L1 penalty and the three numbers of steps in l1.py; `blas`
    is None for whichever product is faster.
    """

    cdef object arena, scratch, held
    cdef Stepper stepper
    cdef fastlr_linear c
    cdef Py_ssize_t collected, many
    cdef int typenum
    cdef readonly bint blas

    def __init__(self, arena, Stepper stepper not None, int form, rule, scaling, penalty, blas):
        cdef fastlr_linear *c = &self.c
        cdef Py_ssize_t scores, weights, gathered = 0
        cdef char *at
        self.arena, self.stepper = arena, stepper
        self.held = [rule, scaling]  # pointers below lead there
        c.itemsize = arena.params.itemsize
        take_loss(&c.loss, form, rule)
        c.l1, c.memory, self.collected, self.many = penalty
        self.typenum = arena.params.dtype.num
        c.outputs, c.features = arena.param["coef"].shape
        c.coef = cnp.PyArray_BYTES(arena.param["coef"])
        c.grad_coef = cnp.PyArray_BYTES(arena.grad["coef"])
        if "intercept" in arena.param:
            c.intercept = cnp.PyArray_BYTES(arena.param["intercept"])
            c.grad_intercept = cnp.PyArray_BYTES(arena.grad["intercept"])
        if blas is None:
            # Measured: tiles win up to 16 outputs of 16 features, 34 of 64, and 64 of 200.
            blas = not FASTLR_VECTORS or c.outputs > min(64, 12 + c.features // 3)
        self.blas = blas
        c.ld = FASTLR_BLOCK
        if self.blas:
            self.load_gemm("sgemm" if self.typenum == cnp.NPY_FLOAT32 else "dgemm")
            c.ld = FASTLR_BLAS_ROWS
            gathered = FASTLR_BLAS_ROWS * c.features
        scores, weights = c.outputs * c.ld, c.outputs * c.features
        room = scores + gathered + weights + c.outputs + 2 * weights * (c.l1 > 0)
        self.scratch = np.zeros(room * c.itemsize + 64, np.uint8)
        at = cnp.PyArray_BYTES(self.scratch)
        c.z = at + (-<Py_ssize_t>at & 63)
        c.gathered = c.z + scores * c.itemsize
        at = c.gathered + gathered * c.itemsize
        if scaling is not None:
            c.mean = NULL if scaling[0] is None else cnp.PyArray_BYTES(scaling[0])
            c.inverse = cnp.PyArray_BYTES(scaling[1])
            c.folded = at
        if c.l1 > 0:
            c.side = at + (weights + c.outputs) * c.itemsize
            c.mean_grad = c.side + weights * c.itemsize
        self.use_own_weights()

    def load_gemm(self, name):
        """Take the function's address from SciPy, which then need not be there at build time."""
        from scipy.linalg import cython_blas

        capsule = cython_blas.__pyx_capi__[name]
        self.c.gemm = <size_t>PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))
        self.held.append(capsule)

    cdef void use_own_weights(self) noexcept:
        """Multiply rows with the parameters themselves, or with what scaling makes of them."""
        cdef fastlr_linear *c = &self.c
        c.w, c.b = c.coef, c.intercept
        if c.folded != NULL:
            c.w = c.folded
            if c.intercept != NULL:
                c.b = c.folded + c.outputs * c.features * c.itemsize

    cdef bint read(self, X, y, sample_weight, order, fastlr_data *data) except -1:
        """Take the arguments; return whether they are fit."""
        if not (fits(X, self.typenum, 2, -1) and cnp.PyArray_DIM(X, 1) == self.c.features):
            return False
        data.x = cnp.PyArray_BYTES(X)
        return take_rows_of(
            data, cnp.PyArray_DIM(X, 0), self.typenum, self.c.outputs, self.c.loss.form, y,
            sample_weight, order)

    def run(self, X, y, sample_weight, order, Py_ssize_t batch_size):
        """Train for one epoch; return None, and do nothing, if an argument is unfit."""
        cdef fastlr_data data
        cdef Py_ssize_t steps, step = 0, chunk, done
        cdef double loss = 0, weight = 0
        cdef int status = 0
        cdef unsigned int mode
        if batch_size < 1 or not self.read(X, y, sample_weight, order, &data):
            return None
        self.stepper.attach(self.arena.grad)
        steps = (data.used + batch_size - 1) // batch_size
        self.c.held = self.collected if steps >= self.many else 0
        chunk = <Py_ssize_t>(
            WORK_PER_CHUNK / (2.0 * batch_size * self.c.features * self.c.outputs + 1.0)
        )
        chunk = min(max(chunk, 1), MOST_STEPS)
        while step < steps and status == 0:
            chunk = min(chunk, steps - step)
            self.stepper.prepare(chunk)
            with nogil:
                mode = flush_subnormals()
                status = run_steps(self, &data, batch_size, step, chunk, &done, &loss, &weight)
                restore_arithmetic(mode)
            step += done
            PyErr_CheckSignals()
        return EpochResult(loss, weight, step, step if status else None)

    def evaluate(self, X, y, sample_weight, coef, intercept):
        """Return the summed loss of weights for rows as they are, and the sum of row weights.

        None if data are unfit. `coef` and `intercept` (or None) are fit.
        """
        cdef fastlr_data data
        cdef Py_ssize_t start = 0, chunk, stop
        cdef double loss = 0
        if not self.read(X, y, sample_weight, None, &data):
            return None
        chunk = <Py_ssize_t>(WORK_PER_CHUNK / (1.0 * self.c.features * self.c.outputs + 1.0))
        chunk = max(chunk - chunk % FASTLR_BLAS_ROWS, FASTLR_BLAS_ROWS)
        try:
            self.c.w = cnp.PyArray_BYTES(coef)
            self.c.b = NULL if intercept is None else cnp.PyArray_BYTES(intercept)
            while start < data.used:
                stop = min(start + chunk, data.used)
                with nogil:
                    loss += fastlr_linear_batch(&self.c, &data, start, stop, False)
                start = stop
                PyErr_CheckSignals()
        finally:
            self.use_own_weights()
        return loss, fastlr_sum_weights(&data, 0, data.used)


cdef int run_steps(
    LinearLoop m, fastlr_data *data, Py_ssize_t batch_size, Py_ssize_t first, Py_ssize_t count,
    Py_ssize_t *done, double *loss, double *weight,
) noexcept nogil:
    """Make `count` steps; return 0, or 1 if a loss or gradient was not finite."""
    cdef Py_ssize_t i, start
    done[0] = 0
    for i in range(first, first + count):
        start = i * batch_size
        if make_step(m, data, start, min(start + batch_size, data.used), i, loss, weight):
            return 1
        done[0] += 1
    return 0


cdef int make_step(
    LinearLoop m, fastlr_data *data, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t step,
    double *loss, double *weight,
) noexcept nogil:
    """Make one step on some rows; return 0, or 1 if their loss or gradient was not finite."""
    cdef double batch_loss = fastlr_linear_gradient(&m.c, data, start, stop, step)
    if not isfinite(batch_loss) or m.stepper.advance() == 2:
        return 1
    fastlr_linear_stay(&m.c)
    loss[0] += batch_loss
    weight[0] += fastlr_sum_weights(data, start, stop)
    return 0


def exponential(cnp.ndarray x not None):
    """Return e^x as the losses compute it, for a contiguous float32 or float64 array."""
    cdef cnp.ndarray out = np.empty_like(x)
    fastlr_exponential(x.itemsize, cnp.PyArray_DATA(x), cnp.PyArray_DATA(out), x.size)
    return out


include "_linear_together.pxi"
include "_linear_alone.pxi"
