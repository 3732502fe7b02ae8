# The data of an epoch as the loops see them.

include "_array_checks.pxi"


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


cdef bint take_rows_of(
    Data *data, Py_ssize_t rows, int typenum, Py_ssize_t outputs, bint with_targets, y,
    sample_weight, order
):
    """Take what belongs to the rows, X apart; say no if an argument is unfit."""
    data.codes = NULL
    data.targets = NULL
    data.weight = NULL
    data.order = NULL
    data.used = rows
    if not (
        (sample_weight is None or fits(sample_weight, cnp.NPY_FLOAT64, 1, rows))
        and (order is None or fits(order, cnp.NPY_INT64, 1, -1))
    ):
        return False
    if with_targets:
        if not (fits(y, typenum, 2, rows) and cnp.PyArray_DIM(y, 1) == outputs):
            return False
        data.targets = cnp.PyArray_BYTES(y)
    else:
        if not fits(y, cnp.NPY_INT64, 1, rows):
            return False
        data.codes = <const int64_t*>cnp.PyArray_DATA(y)
        if not within(data.codes, rows, max(outputs, 2)):
            return False
    if sample_weight is not None:
        data.weight = <const double*>cnp.PyArray_DATA(sample_weight)
    if order is not None:
        data.order = <const int64_t*>cnp.PyArray_DATA(order)
        data.used = cnp.PyArray_DIM(order, 0)
        return within(data.order, data.used, rows)
    return True
