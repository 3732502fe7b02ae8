# The data of an epoch and its loss as the loops see them: from arrays to pointers.

include "_array_checks.pxi"

cdef extern from "_data.h" nogil:
    enum: FASTLR_BLOCK
    enum: FASTLR_BY_EACH
    enum: FASTLR_BY_LABELS
    ctypedef struct fastlr_data:
        const char *x
        const int64_t *codes
        const char *targets
        const double *weight
        const int64_t *order
        Py_ssize_t used
    ctypedef struct fastlr_loss:
        int form
        size_t rule
        const void *row
    Py_ssize_t fastlr_row_at(const fastlr_data *data, Py_ssize_t i)
    double fastlr_weight_at(const fastlr_data *data, Py_ssize_t row)
    double fastlr_sum_weights(const fastlr_data *data, Py_ssize_t start, Py_ssize_t stop)


cdef void take_loss(fastlr_loss *loss, int form, rule) except *:
    """Take the form of the loss; `rule` is address and coefficients, which the caller keeps."""
    loss.form, loss.rule, loss.row = form, 0, NULL
    if rule is not None:
        loss.rule = rule[0]
        loss.row = cnp.PyArray_DATA(rule[1])


cdef bint take_rows_of(
    fastlr_data *data, Py_ssize_t rows, int typenum, Py_ssize_t outputs, int form, y,
    sample_weight, order
):
    """Take all but X; return whether the arguments are fit."""
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
    if form == FASTLR_BY_EACH or form == FASTLR_BY_LABELS:
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
