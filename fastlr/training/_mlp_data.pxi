# From arrays to pointers: what the MLP loop reads.

cdef bint take_data(
    fastlr_network *net, int typenum, Py_ssize_t outputs, X, y, sample_weight, order
):
    """Take the pointers of the data; say no if an argument is unfit."""
    cdef Py_ssize_t rows = take_rows(net, typenum, X)
    if rows < 0:
        return False
    if not (
        (sample_weight is None or fits(sample_weight, cnp.NPY_FLOAT64, 1, rows))
        and (order is None or fits(order, cnp.NPY_INT64, 1, -1))
    ):
        return False
    if net.reduction == FASTLR_BY_EACH:
        if not (
            fits(y, typenum, 2, rows) and cnp.PyArray_DIM(y, 1) == outputs
        ):
            return False
    elif not (
        fits(y, cnp.NPY_INT64, 1, rows)
        and within(<const int64_t*>cnp.PyArray_DATA(y), rows, max(outputs, 2))
    ):
        return False
    net.y = cnp.PyArray_DATA(y)
    net.weight = NULL
    net.order = NULL
    net.used = rows
    if sample_weight is not None:
        net.weight = <const double*>cnp.PyArray_DATA(sample_weight)
    if order is not None:
        net.order = <const int64_t*>cnp.PyArray_DATA(order)
        net.used = cnp.PyArray_DIM(order, 0)
        if not within(net.order, net.used, rows):
            return False
    return True


cdef Py_ssize_t take_rows(fastlr_network *net, int typenum, X):
    """Take the pointers of dense or CSR rows; return their number, -1 if X is unfit."""
    cdef Py_ssize_t rows
    cdef int kind
    net.indptr = net.indices = NULL
    if cnp.PyArray_Check(X):
        if not (fits(X, typenum, 2, -1) and cnp.PyArray_DIM(X, 1) == net.features):
            return -1
        net.x = cnp.PyArray_BYTES(X)
        return cnp.PyArray_DIM(X, 0)
    if getattr(X, "format", None) != "csr" or X.ndim != 2 or X.shape[1] != net.features:
        return -1
    values, indices, indptr = X.data, X.indices, X.indptr
    kind = cnp.NPY_INT64 if indices.dtype == np.int64 else cnp.NPY_INT32
    rows = X.shape[0]
    if not (
        fits(values, typenum, 1, -1)
        and fits(indices, kind, 1, cnp.PyArray_DIM(values, 0))
        and fits(indptr, kind, 1, rows + 1)
    ):
        return -1
    net.wide = kind == cnp.NPY_INT64
    net.x = cnp.PyArray_BYTES(values)
    net.indices, net.indptr = cnp.PyArray_DATA(indices), cnp.PyArray_DATA(indptr)
    if fastlr_sound(net, rows, cnp.PyArray_DIM(values, 0)):
        return rows
    net.indptr = net.indices = NULL
    return -1
