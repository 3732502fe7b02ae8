# From arrays to pointers: what the MLP loop reads.

cdef bint take_data(
    fastlr_network *net, int typenum, Py_ssize_t outputs, X, y, sample_weight, order
):
    """Take the pointers of the data; say no if an argument is unfit."""
    cdef Data data
    cdef Py_ssize_t rows = take_rows(net, typenum, X)
    if rows < 0:
        return False
    if not take_rows_of(
        &data, rows, typenum, outputs, net.reduction == FASTLR_BY_EACH, y, sample_weight, order
    ):
        return False
    net.y = data.targets if data.codes == NULL else <const void*>data.codes
    net.weight, net.order, net.used = data.weight, data.order, data.used
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
