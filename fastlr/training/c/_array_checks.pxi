# Whether arrays are what a compiled loop may read; a loop that says no leaves the message to Python.

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISBEHAVED_RO(cnp.ndarray)
    bint PyArray_EquivTypenums(int, int)


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
