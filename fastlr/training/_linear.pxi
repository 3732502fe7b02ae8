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

from fastlr.kernels._stepper cimport Stepper

import numpy as np

from fastlr.training.epoch import EpochResult

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISBEHAVED_RO(cnp.ndarray)
    bint PyArray_EquivTypenums(int, int)

include "_linear_c.pxi"

ctypedef fused real:
    float
    double

# Rows gathered for BLAS at a time; a multiple of FASTLR_BLOCK.
cdef Py_ssize_t BLAS_ROWS = 128
cdef char TRANSPOSED = b"T"
cdef char AS_IS = b"N"
# Multiplications between two looks at Ctrl-C, which need the GIL.
cdef double WORK_PER_CHUNK = 2e9
# Steps whose coefficients are computed at a time, at most.
cdef Py_ssize_t MOST_STEPS = 4096


cdef struct Data:
    const char *x
    const int64_t *y
    const double *weight    # NULL: all one
    const int64_t *order    # NULL: as they lie
    Py_ssize_t used         # rows of `order`, or of x


cdef class LinearLoop:
    """The compiled epoch; made by `LinearEpoch`, which documents it.

    Parameters
    ----------
    arena : Arena
        Holds the parameters and gradients.
    stepper : Stepper
        Steps ``arena.param``.
    logistic : bool
        Binary loss of one output, rather than multinomial.
    blas : bool or None
        Whether to use BLAS; None: whichever is faster.
    """

    cdef object arena, scratch, gemm_owner
    cdef Stepper stepper
    cdef char *coef
    cdef char *grad_coef
    cdef char *intercept
    cdef char *grad_intercept
    cdef char *z
    cdef char *gathered
    cdef Py_ssize_t outputs, features, ld
    cdef int typenum
    cdef bint logistic
    cdef readonly bint blas
    cdef void *gemm

    def __init__(self, arena, Stepper stepper not None, bint logistic, blas=None):
        cdef Py_ssize_t itemsize = arena.params.itemsize
        self.arena, self.stepper, self.logistic = arena, stepper, logistic
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
        gathered = 0
        if self.blas:
            self.load_gemm("sgemm" if self.typenum == cnp.NPY_FLOAT32 else "dgemm")
            self.ld = BLAS_ROWS
            gathered = BLAS_ROWS * self.features
        scores = self.outputs * self.ld
        self.scratch = np.zeros((scores + gathered) * itemsize + 64, np.uint8)
        self.z = cnp.PyArray_BYTES(self.scratch)
        self.z += -<Py_ssize_t>self.z & 63
        self.gathered = self.z + <Py_ssize_t>(scores * itemsize)

    def load_gemm(self, name):
        """Take the function's address from SciPy, which then need not be there at build time."""
        from scipy.linalg import cython_blas

        capsule = cython_blas.__pyx_capi__[name]
        self.gemm = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))
        self.gemm_owner = capsule

    def run(self, X, y, sample_weight, order, Py_ssize_t batch_size):
        """Train for one epoch; return None, and do nothing, if an argument is unfit."""
        cdef Data data
        cdef Py_ssize_t rows, steps, step = 0, chunk, done
        cdef double loss = 0, weight = 0
        cdef int status = 0
        if not (
            fits(X, self.typenum, 2, -1)
            and cnp.PyArray_DIM(X, 1) == self.features
            and batch_size > 0
        ):
            return None
        rows = cnp.PyArray_DIM(X, 0)
        if not (
            fits(y, cnp.NPY_INT64, 1, rows)
            and (sample_weight is None or fits(sample_weight, cnp.NPY_FLOAT64, 1, rows))
            and (order is None or fits(order, cnp.NPY_INT64, 1, -1))
        ):
            return None
        data.x = cnp.PyArray_BYTES(X)
        data.y = <const int64_t*>cnp.PyArray_DATA(y)
        data.weight = NULL
        data.order = NULL
        data.used = rows
        if sample_weight is not None:
            data.weight = <const double*>cnp.PyArray_DATA(sample_weight)
        if order is not None:
            data.order = <const int64_t*>cnp.PyArray_DATA(order)
            data.used = cnp.PyArray_DIM(order, 0)
            if not within(data.order, data.used, rows):
                return None
        if not within(data.y, rows, max(self.outputs, 2)):
            return None

        self.stepper.attach(self.arena.grad)
        steps = (data.used + batch_size - 1) // batch_size
        chunk = <Py_ssize_t>(
            WORK_PER_CHUNK / (2.0 * batch_size * self.features * self.outputs + 1.0)
        )
        chunk = min(max(chunk, 1), MOST_STEPS)
        while step < steps and status == 0:
            chunk = min(chunk, steps - step)
            self.stepper.prepare(chunk)
            with nogil:
                if self.typenum == cnp.NPY_FLOAT32:
                    status = run_steps(
                        self, <float*>self.z, &data, batch_size, step, chunk, &done, &loss, &weight
                    )
                else:
                    status = run_steps(
                        self, <double*>self.z, &data, batch_size, step, chunk, &done, &loss, &weight
                    )
            step += done
            PyErr_CheckSignals()
        return EpochResult(loss, weight, step, step if status else None)


cdef bint fits(object array, int typenum, int ndim, Py_ssize_t length):
    return (
        cnp.PyArray_Check(array)
        and PyArray_EquivTypenums(cnp.PyArray_TYPE(array), typenum)
        and cnp.PyArray_NDIM(array) == ndim
        and (length < 0 or cnp.PyArray_DIM(array, 0) == length)
        and cnp.PyArray_IS_C_CONTIGUOUS(array)
        and PyArray_ISBEHAVED_RO(<cnp.ndarray>array)
    )


cdef bint within(const int64_t *values, Py_ssize_t n, int64_t bound) noexcept nogil:
    """Whether all values lie in [0, bound)."""
    cdef Py_ssize_t i
    cdef int64_t low = 0, high = 0
    for i in range(n):
        low = min(low, values[i])
        high = max(high, values[i])
    return low >= 0 and (high < bound or n == 0)


cdef int run_steps(
    LinearLoop m, real *z, Data *data, Py_ssize_t batch_size, Py_ssize_t first, Py_ssize_t count,
    Py_ssize_t *done, double *loss, double *weight,
) noexcept nogil:
    """Make `count` steps; return 0, or 1 if a loss or gradient was not finite."""
    cdef Py_ssize_t i, start, stop
    cdef double batch_weight, batch_loss
    done[0] = 0
    for i in range(first, first + count):
        start = i * batch_size
        stop = min(start + batch_size, data.used)
        batch_weight = sum_weights(data, start, stop)
        if m.blas:
            batch_loss = batch_by_blas(m, z, data, start, stop)
        else:
            batch_loss = batch_by_tiles(m, z, data, start, stop)
        if not isfinite(batch_loss) or m.stepper.advance() == 2:
            return 1
        loss[0] += batch_loss
        weight[0] += batch_weight
        done[0] += 1
    return 0


include "_linear_batch.pxi"


def exponential(cnp.ndarray x not None):
    """Return e^x as the losses compute it, for a contiguous float32 or float64 array."""
    cdef cnp.ndarray out = np.empty_like(x)
    if x.dtype == np.float32:
        fastlr_exponential_f32(
            <const float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(out), x.size)
    else:
        fastlr_exponential_f64(
            <const double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(out), x.size)
    return out
