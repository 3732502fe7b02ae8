# The data of an epoch as the loops see them, and whether arrays are fit for that.

cdef struct Data:
    const char *x
    const int64_t *codes    # of classes; NULL with `targets`
    const char *targets     # one for each output
    const double *weight    # NULL: all one
    const int64_t *order    # NULL: as they lie
    Py_ssize_t used         # rows of `order`, or of x


cdef inline Py_ssize_t row_at(Data *data, Py_ssize_t i) noexcept nogil:
    return i if data.order == NULL else <Py_ssize_t>data.order[i]


cdef double sum_weights(Data *data, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t i
    cdef double total = 0
    if data.weight == NULL:
        return <double>(stop - start)
    for i in range(start, stop):
        total += data.weight[row_at(data, i)]
    return total


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
