# From arrays to pointers: what the MLP loop reads.

cdef bint take_data(
    fastlr_network *net, int typenum, Py_ssize_t outputs, X, y, sample_weight, order
):
    """Take the pointers of the data; return whether the arguments are fit."""
    cdef Py_ssize_t rows = take_rows(net, typenum, X)
    return rows >= 0 and take_rows_of(
        &net.data, rows, typenum, outputs, net.loss.form, y, sample_weight, order)


cdef Py_ssize_t take_rows(fastlr_network *net, int typenum, X):
    """Take the pointers of dense or CSR rows; return their number, -1 if X is unfit."""
    cdef Py_ssize_t rows
    cdef int kind
    net.indptr = net.indices = NULL
    if cnp.PyArray_Check(X):
        if not (fits(X, typenum, 2, -1) and cnp.PyArray_DIM(X, 1) == net.features):
            return -1
        net.data.x = cnp.PyArray_BYTES(X)
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
    net.data.x = cnp.PyArray_BYTES(values)
    net.indices, net.indptr = cnp.PyArray_DATA(indices), cnp.PyArray_DATA(indptr)
    if fastlr_sound(net, rows, cnp.PyArray_DIM(values, 0)):
        return rows
    net.indptr = net.indices = NULL
    return -1
