"""Steps torch tensors: compares addresses and settings with those bound, then runs the stepper.

Nothing here is compiled against torch. Where a tensor lies is asked through the C exchange
interface of DLPack where torch has it, which takes some 20 ns, else by calling its methods; making
a NumPy array of each gradient would take microseconds.
"""

from cpython.dict cimport PyDict_GetItem
from cpython.exc cimport PyErr_Clear
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

cimport numpy as cnp

from fastlr.updater.steppers._host cimport Stepper

cnp.import_array()

cdef extern from "_dlpack.h":
    ctypedef struct fastlr_tensor:
        char *data
        int device_type, ndim
        unsigned char code, bits
        int64_t *shape
        int64_t *strides
        size_t byte_offset
    ctypedef struct fastlr_exchange:
        unsigned int major
        int (*describe)(void *object, fastlr_tensor *out) noexcept

READY, CHANGED, WITHOUT_GRADIENTS = 0, 1, 2

cdef Py_ssize_t RELEASE_GIL_FROM = 16384
cdef enum:
    MOST_AXES = 8  # of tensors whose strides are compared here; others are brought into order


cdef struct Place:  # of a parameter
    char *start
    int ndim
    int64_t shape[MOST_AXES]
    int64_t strides[MOST_AXES]


cdef fastlr_exchange *exchange_of(object tensor):
    """Return the exchange interface of a tensor's class, NULL where it has none that is known."""
    cdef fastlr_exchange *found
    capsule = getattr(type(tensor), "__dlpack_c_exchange_api__", None)
    if capsule is None:
        return NULL
    found = <fastlr_exchange*>PyCapsule_GetPointer(capsule, "dlpack_exchange_api")
    return NULL if found.major != 1 or found.describe == NULL else found


cdef class TensorStepper:
    """Steps tensors in whose memory a compiled stepper has been bound.

    `tensors` have a gradient each, `absent` have none. `keys` name the settings in `group` whose
    `values` were bound; the first is the rate. It may change at any step, and acts by `rate`: "now",
    "late" (a step later) or "start" (never).
    ``rows(t, n)`` returns rows of coefficients (n, width) of the steps after t in double
    precision, as `base` and `slope`: a row is ``base + slope * lr``. Where slope is None, rows
    are for the rate they were asked for with ``rows(t, n, lr)``.
    With a `guide` rows follow its schedule, as long as it is at this step and its rate, the one
    numbered `place`, stands in the group.
    ``adapt(i, grad)`` returns gradient i in the memory order and dtype of its tensor.
    """

    cdef Stepper stepper
    cdef readonly list tensors, absent
    cdef dict group
    cdef tuple keys, values
    cdef list held
    cdef object rows, adapt, dtype, base, slope, rate, number, guide
    cdef Py_ssize_t place
    cdef Place *places
    cdef fastlr_exchange *exchange
    cdef char *row
    cdef double *exact
    cdef double lr, made_for
    cdef Py_ssize_t n, width, made, cursor, ahead
    cdef bint rate_changes, late, doubles
    cdef double next_lr

    def __init__(
        self, Stepper stepper, list tensors, list absent, dict group, tuple keys, tuple values,
        rows, adapt, str rate, number, guide, Py_ssize_t place,
    ):
        cdef Py_ssize_t i
        self.stepper, self.tensors, self.absent, self.group = stepper, tensors, absent, group
        self.keys, self.values, self.rate = keys, values, values[0]
        self.rows, self.adapt, self.number = rows, adapt, number
        self.rate_changes, self.late = rate != "start", rate == "late"
        self.guide, self.place = guide, place
        self.n = len(tensors)
        self.dtype = tensors[0].dtype
        self.held = [None] * self.n
        self.doubles = stepper.plan.itemsize == 8
        self.places = <Place*>calloc(self.n, sizeof(Place))
        stepper.prepare(1)  # makes room for rows of single arrays
        self.width = stepper.plan.width
        self.row = <char*>calloc(self.width, stepper.plan.itemsize)
        self.exact = <double*>calloc(self.width, sizeof(double))
        if self.places == NULL or self.row == NULL or self.exact == NULL:
            raise MemoryError
        self.exchange = exchange_of(tensors[0])
        for i in range(self.n):
            self.note(i)
        self.lr = self.next_lr = self.number(self.rate)
        self.ahead = 16

    def __dealloc__(self):
        free(self.places)
        free(self.row)
        free(self.exact)

    @property
    def t(self):
        """Steps made."""
        return self.stepper.t

    def ready(self):
        """Take the gradients' addresses; tell whether the step can be made as things are bound."""
        cdef Py_ssize_t i
        cdef PyObject *item
        if self.guide is not None:
            if <long long>self.guide.last_epoch != self.stepper.t:
                return CHANGED
            if self.group["lr"] is not self.guide.written[self.place]:
                return CHANGED
        for i in range(len(self.keys)):
            item = PyDict_GetItem(self.group, self.keys[i])
            if item == NULL:
                return CHANGED
            if self.guide is not None:
                if i > 0 and <object>item is not self.values[i]:
                    return CHANGED
            elif i == 0:
                if <object>item is not self.rate or not isinstance(self.rate, float):
                    self.rate = <object>item
                    if self.rate_changes:
                        self.next_lr = self.number(self.rate)
                        if not self.next_lr >= 0:
                            return CHANGED
            elif <object>item is not self.values[i]:
                return CHANGED
        for i in range(len(self.absent)):
            if self.absent[i].grad is not None:
                return CHANGED
        for i in range(self.n):
            grad = self.tensors[i].grad
            if grad is None:
                self.let_go()
                return WITHOUT_GRADIENTS
            if not self.take(i, grad):
                self.let_go()
                return CHANGED
        return READY

    cdef int note(self, Py_ssize_t i) except -1:
        """Note where parameter i lies."""
        cdef Place *place = &self.places[i]
        tensor = self.tensors[i]
        place.start = <char*><size_t>tensor.data_ptr()
        place.ndim = tensor.dim()
        if place.ndim <= MOST_AXES:
            for k in range(place.ndim):
                place.shape[k], place.strides[k] = tensor.shape[k], tensor.stride(k)
        return 0

    cdef bint take(self, Py_ssize_t i, object grad) except -1:
        """Take the address of gradient i; False where it, or its parameter, must be looked at."""
        cdef Place *place = &self.places[i]
        cdef fastlr_tensor p, g
        cdef char *start
        cdef int k
        cdef bint same
        tensor = self.tensors[i]
        if self.exchange != NULL:
            if (
                self.exchange.describe(<void*>tensor, &p) != 0
                or self.exchange.describe(<void*>grad, &g) != 0
            ):
                PyErr_Clear()
                return False
            if p.data + p.byte_offset != place.start or p.device_type != 1:
                return False
            if g.bits != p.bits or g.code != p.code or g.device_type != 1:
                return False
            same = g.ndim == place.ndim and place.ndim <= MOST_AXES
            if same:
                for k in range(place.ndim):
                    if g.strides[k] != place.strides[k] and place.shape[k] > 1:
                        same = False
            start = g.data + g.byte_offset
        else:
            if grad.is_sparse or grad.dtype is not self.dtype:
                return False
            if <size_t>tensor.data_ptr() != <size_t>place.start:
                return False
            same = grad.stride() == tensor.stride()
            start = <char*><size_t>grad.data_ptr()
        if not same:
            grad = self.adapt(i, grad)
            start = <char*><size_t>grad.data_ptr()
        if start == place.start:
            grad = grad.clone()
            start = <char*><size_t>grad.data_ptr()
        self.held[i] = grad
        self.stepper.plan.segments[i].g = <const char*>start
        return True

    def go(self):
        """Make the step that `ready` has prepared."""
        cdef Py_ssize_t k, at
        cdef double value
        cdef const double *base
        cdef const double *slope
        if not self.late:
            self.lr = self.next_lr
        if self.cursor == self.made or (self.slope is None and self.lr != self.made_for):
            self.make_rows()
        at = self.cursor * self.width
        base = <const double*>cnp.PyArray_DATA(<cnp.ndarray>self.base) + at
        slope = NULL
        if self.slope is not None:
            slope = <const double*>cnp.PyArray_DATA(<cnp.ndarray>self.slope) + at
        for k in range(self.width):
            value = base[k]
            if slope != NULL and slope[k] != 0:
                value += slope[k] * self.lr
            self.exact[k] = value
            if self.doubles:
                (<double*>self.row)[k] = value
            else:
                (<float*>self.row)[k] = <float>value
        self.stepper.plan.rows = self.row
        self.stepper.plan.sums.exact = self.exact
        self.stepper.plan.cursor = 0
        self.stepper.plan.n_groups = 1
        self.cursor += 1
        if self.stepper.total >= RELEASE_GIL_FROM:
            with nogil:
                self.stepper.advance()
        else:
            self.stepper.advance()
        self.stepper.forget_rows()
        self.lr = self.next_lr
        self.let_go()

    cdef int make_rows(self) except -1:
        same_rate = self.slope is not None or self.lr == self.made_for
        self.ahead = min(2 * self.ahead, 1024) if same_rate else 1
        self.base, self.slope = self.rows(self.stepper.t, self.ahead, self.lr)
        self.made_for = self.lr
        self.made, self.cursor = self.ahead, 0
        return 0

    cdef int let_go(self) except -1:
        cdef Py_ssize_t i
        for i in range(self.n):
            self.held[i] = None
        return 0
