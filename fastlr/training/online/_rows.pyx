"""One row at a time for linear models: a step taken back whole if it fails, and predictions.

Nothing of Python happens for an ordinary row but looking up whether the model is the one that was
bound. Whatever is not ordinary is refused, and left to Python with the model unchanged.
"""

from cpython.dict cimport PyDict_GetItem, PyDict_SetItem
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.sequence cimport PySequence_Fast_GET_ITEM, PySequence_Fast_GET_SIZE
from cpython.tuple cimport PyTuple_CheckExact
from libc.math cimport NAN
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

cimport numpy as cnp

from fastlr.updater.steppers._host cimport Stepper

from time import perf_counter

import numpy as np

cnp.import_array()

ctypedef void (*dot_function)(
    void *, cnp.npy_intp, void *, cnp.npy_intp, void *, cnp.npy_intp, void *) noexcept

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISBEHAVED_RO(cnp.ndarray)
    ctypedef struct array_functions "PyArray_ArrFuncs":
        dot_function dotfunc
    array_functions *PyDataType_GetArrFuncs(cnp.dtype)
    object PyArray_Scalar(void *, cnp.dtype, object)

ctypedef int (*step_function)(
    void *loop, const char *x, const int64_t *code, const char *target, double *loss) except -1

include "_averages.pxi"
include "_row_of.pxi"


cdef struct Kept:  # an array that steps change, and where its copy lies
    char *copy
    char *live
    Py_ssize_t size


cdef class RowLearner:
    """Steps of a linear model on single rows. Made by `estimators/online/compiled.py`.

    Parameters
    ----------
    bound : Bound
        What is looked at and written, as `compiled.py` describes it.
    """

    cdef readonly bint loaded
    cdef readonly Py_ssize_t buffered, left, n_rows
    cdef readonly object X, y, targets
    cdef object loop, capsule, bound, held, state, entry_rows, clock_key, clock, marks, locks
    cdef object steps_key, epochs_key, rows_key, stale_key, codes, fixed, mutable_, hand_over, merge, history
    cdef Stepper stepper
    cdef RowOf row
    cdef step_function step
    cdef list kept_arrays
    cdef Kept kept[24]
    cdef int n_kept
    cdef Usual usual
    cdef UsualConstants of_usual
    cdef Rate rate
    cdef RateConstants of_rate
    cdef bint rated, views, numbers
    cdef Py_ssize_t capacity, row_bytes, epochs, limit, n_kept_rows, most_rows, width
    cdef double shift, scale, lr, momentum
    cdef bint scaled
    cdef long long clock_value

    def __init__(self, bound, RowOf row not None):
        cdef Py_ssize_t i
        self.bound, self.row = bound, row
        self.loop, self.stepper = bound.loop, bound.stepper
        self.capsule = bound.capsule
        self.step = <step_function>PyCapsule_GetPointer(self.capsule, "fastlr.row_step")
        self.state = bound.state
        self.clock_key, self.steps_key = bound.clock_key, bound.steps_key
        self.epochs_key, self.rows_key = bound.epochs_key, bound.rows_key
        self.stale_key = bound.stale_key
        self.of_usual, self.of_rate = bound.of_usual, bound.of_rate
        self.codes, self.views = bound.codes, bound.views
        self.hand_over, self.merge, self.most_rows = bound.hand_over, bound.merge, bound.most_rows
        self.numbers = bound.codes is None
        self.kept_arrays = [np.empty_like(array) for array in bound.live]
        if len(bound.live) > 24:
            raise ValueError("too many arrays to keep")
        self.n_kept = len(bound.live)
        self.held = bound.live
        for i in range(self.n_kept):
            self.kept[i].copy = cnp.PyArray_BYTES(self.kept_arrays[i])
            self.kept[i].live = cnp.PyArray_BYTES(bound.live[i])
            self.kept[i].size = bound.live[i].nbytes
        if self.numbers:
            self.shift, self.scale, self.scaled = bound.units
        self.row_bytes = row.n * row.itemsize
        self.capacity = max(8, min(256, (1 << 20) // max(self.row_bytes, 1)))
        self.X = np.empty((self.capacity, row.n), row.dtype)
        self.y = np.empty(self.capacity)
        self.targets = (
            np.empty((self.capacity, 1), row.dtype) if self.numbers
            else np.empty(self.capacity, np.int64))

    def load(self, usual, rate, Py_ssize_t left, Py_ssize_t limit, fixed, mutable_, lr, momentum):
        """Take over what Python knows; `rate` is None for a rate that stays."""
        cdef double *at = <double*>&self.usual
        cdef Py_ssize_t i
        for i in range(5):
            at[i] = usual[i]
        self.rated = rate is not None
        if self.rated:
            at = <double*>&self.rate
            for i in range(12):
                at[i] = rate[i]
        self.fixed, self.mutable_ = fixed, mutable_
        self.lr, self.momentum = lr, momentum
        self.epochs, self.left = self.state[self.epochs_key], left
        self.take_history()
        self.limit_buffer(limit)
        self.clock = self.state.get(self.clock_key, 0)
        self.clock_value = self.clock
        self.buffered = 0
        self.loaded = self.clock_value % 2 == 0

    def unload(self):
        """Return the averages of losses and rates, which Python knows again from now on."""
        cdef double *at = <double*>&self.usual
        self.loaded = False
        usual = [at[i] for i in range(5)]
        at = <double*>&self.rate
        return usual, ([at[i] for i in range(12)] if self.rated else None)

    def take_history(self):
        """Look up the table of epochs, and which of its rows are in use."""
        history = self.state["_history"]
        self.width = cnp.PyArray_DIM(history, 1)
        if history.dtype != np.float64 or not history.flags.c_contiguous or self.width != 10:
            raise ValueError("the table of epochs is not one of 10 columns of float64")
        self.history = history
        self.n_rows, self.n_kept_rows = self.state[self.rows_key], self.state["_n_kept"]

    def limit_buffer(self, Py_ssize_t limit):
        """Set the number of rows after which the buffer is handed over, at the latest."""
        self.limit = max(1, min(limit, self.capacity))

    @property
    def at_rest(self):
        """The share of the peak rate at rest."""
        return self.rate.at_rest

    @at_rest.setter
    def at_rest(self, double share):
        self.rate.at_rest = share

    def take_buffered(self):
        """Return the number of rows in `X`, `y` and `targets`, which may be written over."""
        n, self.buffered = self.buffered, 0
        return n

    cdef bint is_current(self):
        """Return whether the model is the one that was loaded; the caller holds its lock."""
        cdef PyObject *value = PyDict_GetItem(self.state, self.clock_key)
        if value != <PyObject*>self.clock and (value != NULL or self.clock_value):
            return False
        for pair in <tuple>self.fixed:
            if PyDict_GetItem(self.state, (<tuple>pair)[0]) != <PyObject*>(<tuple>pair)[1]:
                return False
        if PyDict_GetItem(self.state, "_history") != <PyObject*>self.history:
            return False
        for pair in <tuple>self.mutable_:
            if (<tuple>pair)[0] != (<tuple>pair)[1]:
                return False
        return True

    cdef bint read_target(self, y, int64_t *code, double *number, char *target):
        cdef PyObject *found
        if not self.numbers:
            try:
                found = PyDict_GetItem(self.codes, y)
            except TypeError:
                return False
            if found == NULL:
                return False
            code[0] = <int64_t><object>found
            return True
        if not (PyFloat_CheckExact(y) or isinstance(y, (np.float64, np.float32))):
            return False
        number[0] = y
        if not isfinite(number[0]):
            return False
        cdef double z = (number[0] - self.shift) / self.scale if self.scaled else number[0]
        if self.row.itemsize == 4:
            (<float*>target)[0] = <float>z
        else:
            (<double*>target)[0] = z
        return True

    def learn(self, x, y):
        """Learn from a row; return False, with nothing changed, if Python has to."""
        cdef const char *at
        cdef int64_t code = 0
        cdef double number = 0, target = 0, loss = 0, norm, started
        cdef int i, status
        cdef long long t
        cdef double *entry
        if not self.loaded or self.left < 1:
            return False
        started = perf_counter()
        if not self.is_current() or not self.read_target(y, &code, &number, <char*>&target):
            return False
        at = self.row.take(x)
        if at == NULL or not is_known(&self.of_usual, &self.usual):
            return False
        for i in range(self.n_kept):
            memcpy(self.kept[i].copy, self.kept[i].live, self.kept[i].size)
        t, skipped, culprit = self.stepper.t, self.stepper.skipped, self.stepper.culprit
        status = self.step(
            <void*>self.loop, at, NULL if self.numbers else &code,
            <char*>&target if self.numbers else NULL, &loss)
        norm = self.stepper.norm
        if (
            status or not (loss <= 1e4 and norm <= 1e4)
            or is_exceeded(&self.of_usual, &self.usual, loss, norm) or self.stepper.t != t + 1
        ):
            for i in range(self.n_kept):
                memcpy(self.kept[i].live, self.kept[i].copy, self.kept[i].size)
            self.stepper.restart(t, skipped, culprit)
            return False
        memcpy(
            cnp.PyArray_BYTES(self.X) + self.buffered * self.row_bytes, at, self.row_bytes)
        if self.numbers:
            (<double*>cnp.PyArray_DATA(self.y))[self.buffered] = number
            memcpy(
                cnp.PyArray_BYTES(self.targets) + self.buffered * self.row.itemsize, &target,
                self.row.itemsize)
        else:
            (<int64_t*>cnp.PyArray_DATA(self.targets))[self.buffered] = code
        self.buffered += 1
        if (
            self.n_rows - self.n_kept_rows == self.most_rows
            or self.n_rows == cnp.PyArray_DIM(self.history, 0)
        ):
            PyDict_SetItem(self.state, self.clock_key, self.clock_value + 1)  # readers may run now
            self.merge()
        entry = <double*>cnp.PyArray_DATA(self.history) + self.n_rows * self.width
        self.n_rows += 1
        self.epochs += 1
        entry[0], entry[1], entry[2], entry[3] = self.epochs, loss, NAN, NAN
        entry[4], entry[5], entry[6] = self.lr, self.momentum, NAN if norm < 0 else norm
        entry[8] = entry[9] = NAN
        observe_usual(&self.of_usual, &self.usual, loss, norm)
        self.left -= 1
        if self.rated:
            number = self.rate.factor
            observe_rate(&self.of_rate, &self.rate, loss)
            if self.rate.factor != number:
                self.left = 0  # steps at another rate begin in Python
        self.clock_value += 2
        self.clock = self.clock_value
        PyDict_SetItem(self.state, self.clock_key, self.clock)
        PyDict_SetItem(self.state, self.epochs_key, self.epochs)
        PyDict_SetItem(self.state, self.rows_key, self.n_rows)
        PyDict_SetItem(self.state, self.steps_key, self.stepper.t)
        if not self.views:
            PyDict_SetItem(self.state, self.stale_key, True)
        entry[7] = perf_counter() - started
        if self.buffered == self.limit:
            self.hand_over()
        return True
