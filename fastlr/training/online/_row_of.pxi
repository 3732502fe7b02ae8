# Rows as callers have them, and scores of them.

cdef enum:
    BLOCK = 8192  # features of a product, as in estimators/models/linear_model.py


cdef class RowOf:
    """Takes rows of `n` features in one precision; `fill(matrix, x)` takes those of other kinds."""

    cdef readonly Py_ssize_t n, itemsize
    cdef readonly object dtype, matrix
    cdef object fill
    cdef char *own
    cdef int typenum

    def __init__(self, Py_ssize_t n, dtype, fill):
        self.n, self.dtype, self.fill = n, dtype, fill
        self.itemsize, self.typenum = dtype.itemsize, dtype.num
        self.matrix = np.empty((1, n), dtype)
        self.own = cnp.PyArray_BYTES(self.matrix)

    cdef const char *take(self, x) except? NULL:
        """Return the numbers of a row, which are finite, or raise what is wrong with it."""
        cdef const char *at = NULL
        if type(x) is cnp.ndarray:
            if (
                cnp.PyArray_NDIM(x) == 1 and cnp.PyArray_DIM(x, 0) == self.n
                and cnp.PyArray_TYPE(x) == self.typenum and cnp.PyArray_IS_C_CONTIGUOUS(x)
                and PyArray_ISBEHAVED_RO(<cnp.ndarray>x)
            ):
                at = cnp.PyArray_BYTES(x)
        elif (PyList_CheckExact(x) or PyTuple_CheckExact(x)) and self.from_floats(x):
            at = self.own
        if at == NULL or not self.is_finite(at):
            matrix = np.empty((1, self.n), self.dtype)  # other threads may run meanwhile
            self.fill(matrix, x)
            memcpy(self.own, cnp.PyArray_BYTES(matrix), self.n * self.itemsize)
            at = self.own
        return at

    cdef bint from_floats(self, x):
        cdef Py_ssize_t j
        cdef PyObject *item
        if PySequence_Fast_GET_SIZE(x) != self.n:
            return False
        for j in range(self.n):
            value = <object>PySequence_Fast_GET_ITEM(x, j)
            if not PyFloat_CheckExact(value):
                return False
            if self.itemsize == 4:
                (<float*>self.own)[j] = <float>PyFloat_AS_DOUBLE(value)
            else:
                (<double*>self.own)[j] = PyFloat_AS_DOUBLE(value)
        return True

    cdef bint is_finite(self, const char *at) noexcept nogil:
        cdef Py_ssize_t j
        cdef uint32_t bad = 0
        cdef uint64_t worse = 0
        if self.itemsize == 4:
            for j in range(self.n):
                bad |= ((<const uint32_t*>at)[j] & 0x7F800000u) == 0x7F800000u
            return bad == 0
        for j in range(self.n):
            worse |= ((<const uint64_t*>at)[j] & 0x7FF0000000000000u) == 0x7FF0000000000000u
        return worse == 0


cdef class RowScores:
    """Scores of rows by coefficients and intercepts that stay where they lie, as NumPy has them.

    Products are NumPy's own for the type, so that bits are those of `predict`.
    """

    cdef object state, coef_key, intercept_key, stale_key, clock_key, labels
    cdef cnp.dtype descr
    cdef object coef, intercept
    cdef RowOf row
    cdef dot_function dot
    cdef Py_ssize_t outputs
    cdef cnp.ndarray scores
    cdef char *z

    def __init__(self, state, keys, RowOf row not None, coef, intercept, labels):
        self.state, self.row, self.labels = state, row, labels
        self.coef_key, self.intercept_key, self.stale_key, self.clock_key = keys
        self.coef, self.intercept = coef, intercept
        self.outputs = len(intercept)
        self.descr = row.dtype
        self.dot = PyDataType_GetArrFuncs(self.descr).dotfunc
        self.scores = np.empty((1, self.outputs), row.dtype)
        self.z = cnp.PyArray_BYTES(self.scores)

    cdef bint compute(self, x) except -1:
        """Compute the scores; return False if the coefficients are not the model's any more."""
        cdef PyObject *clock = PyDict_GetItem(self.state, self.clock_key)
        cdef Py_ssize_t k, start, count, size = self.row.itemsize
        cdef const char *at
        cdef const char *w
        cdef char part[8]
        if (
            PyDict_GetItem(self.state, self.coef_key) != <PyObject*>self.coef
            or PyDict_GetItem(self.state, self.intercept_key) != <PyObject*>self.intercept
            or PyDict_GetItem(self.state, self.stale_key) != NULL
            or (clock != NULL and <long long><object>clock & 1)
        ):
            return False
        at = self.row.take(x)
        for k in range(self.outputs):
            w = cnp.PyArray_BYTES(self.coef) + k * self.row.n * size
            start = 0
            while True:
                count = min(BLOCK, self.row.n - start)
                self.dot(
                    <void*>(at + start * size), size, <void*>(w + start * size), size,
                    <void*>part, count, NULL)
                if size == 4:
                    (<float*>self.z)[k] = (
                        (<float*>part)[0] if start == 0
                        else (<float*>self.z)[k] + (<float*>part)[0])
                else:
                    (<double*>self.z)[k] = (
                        (<double*>part)[0] if start == 0
                        else (<double*>self.z)[k] + (<double*>part)[0])
                start += count
                if start >= self.row.n:
                    break
            if size == 4:
                (<float*>self.z)[k] += (<float*>cnp.PyArray_DATA(self.intercept))[k]
            else:
                (<double*>self.z)[k] += (<double*>cnp.PyArray_DATA(self.intercept))[k]
        return True

    cdef double at(self, Py_ssize_t k) noexcept:
        return (<float*>self.z)[k] if self.row.itemsize == 4 else (<double*>self.z)[k]

    def predict(self, x):
        """Return the label of a row, or its number; None if the coefficients have been replaced."""
        cdef Py_ssize_t k, best = 0
        if not self.compute(x):
            return None
        if self.labels is None:
            return PyArray_Scalar(self.z, self.descr, None)
        if self.outputs == 1:
            best = self.at(0) > 0
        else:
            for k in range(1, self.outputs):
                if self.at(k) > self.at(best):
                    best = k
        return (<list>self.labels)[best]

    def decide(self, x):
        """Return the scores of a row in a matrix of one row; None as in `predict`."""
        return cnp.PyArray_NewCopy(self.scores, cnp.NPY_CORDER) if self.compute(x) else None
