# Loss and gradient of a mini-batch, block by block.

cdef void forward(SparseLoop m, const real *p) noexcept nogil:
    """Outputs of a block's rows, without intercept, by the coefficients of features or places."""
    cdef Block *b = &m.block
    cdef Py_ssize_t rows = b.stop - b.start
    if real is float:
        if m.many:
            fastlr_sparse_forward_f32(
                <const_f32*>b.x, b.ids, b.starts, rows, p, m.outputs, <float*>m.z, m.ld)
        else:
            fastlr_sparse_forward_few_f32(
                <const_f32*>b.x, b.ids, b.starts, rows, p, m.outputs, <float*>m.z)
    else:
        if m.many:
            fastlr_sparse_forward_f64(
                <const_f64*>b.x, b.ids, b.starts, rows, p, m.outputs, <double*>m.z, m.ld)
        else:
            fastlr_sparse_forward_few_f64(
                <const_f64*>b.x, b.ids, b.starts, rows, p, m.outputs, <double*>m.z)


cdef void backward(SparseLoop m, real *tag) noexcept nogil:
    """Add a block to the gradient of the mini-batch."""
    cdef Block *b = &m.block
    cdef Batch *batch = &m.batch
    if real is float:
        if m.many:
            fastlr_sparse_backward_f32(
                <const float*>b.value, b.row, b.begin, 0, b.count, <const float*>m.z, m.ld, b.place,
                b.fresh, <float*>batch.g, batch.square)
        else:
            fastlr_sparse_backward_few_f32(
                <const_f32*>b.x, b.ids, b.starts, b.stop - b.start, <const float*>m.z, m.outputs,
                <float*>batch.g)
    else:
        if m.many:
            fastlr_sparse_backward_f64(
                <const double*>b.value, b.row, b.begin, 0, b.count, <const double*>m.z, m.ld,
                b.place, b.fresh, <double*>batch.g, batch.square)
        else:
            fastlr_sparse_backward_few_f64(
                <const_f64*>b.x, b.ids, b.starts, b.stop - b.start, <const double*>m.z, m.outputs,
                <double*>batch.g)


cdef double batch_gradient(
    SparseLoop m, real *tag, Data *data, Py_ssize_t start, Py_ssize_t stop, bint *memory
) noexcept nogil:
    """Leave the gradient of a mini-batch with its features; return its weighted loss."""
    cdef Block *b = &m.block
    cdef Py_ssize_t i = start
    cdef double loss = 0
    cdef int64_t *wide = NULL
    cdef int32_t *narrow = NULL
    renumber(m)
    while i < stop:
        memory[0] = cut_block(m, data, i, stop) and enlarge_batch(m)
        if not memory[0]:
            return 0
        if m.block_base > INT32_MAX - b.starts[b.stop - i] - 1:
            memset(m.in_block, 0, m.features * sizeof(int32_t))
            m.block_base = 1
        if m.many and m.matrix.wide:
            sort_many(m, tag, data, wide, i == start and b.stop == stop)
        elif m.many:
            sort_many(m, tag, data, narrow, i == start and b.stop == stop)
        elif m.matrix.wide:
            gather_few(m, tag, data, wide)
        else:
            gather_few(m, tag, data, narrow)
        forward(m, <const real*>(m.coef if m.many else m.batch.p))
        loss += loss_rows(m, tag, data, i, b.stop, 1.0 / (stop - start), True, i > start)
        backward(m, tag)
        if m.many:
            m.block_base += b.count
        i = b.stop
    return loss


cdef void renumber(SparseLoop m) noexcept nogil:
    """Make numbers of features invalid before a mini-batch."""
    if m.batch_base > INT32_MAX - m.batch.count - m.features - 1:
        memset(m.in_batch, 0, m.features * sizeof(int32_t))
        m.batch_base = 1
    else:
        m.batch_base += m.batch.count
    m.batch.count = 0


cdef bint evaluate_rows(
    SparseLoop m, real *tag, Data *data, Py_ssize_t start, Py_ssize_t stop, double *loss
) noexcept nogil:
    """Add the losses of rows, without a gradient."""
    cdef Block *b = &m.block
    cdef Py_ssize_t i = start, r, j, n, first
    while i < stop:
        if not cut_block(m, data, i, stop):
            return False
        n = 0
        for r in range(i, b.stop):
            first = start_of(&m.matrix, r)
            for j in range(first, first + b.starts[r - i + 1] - b.starts[r - i]):
                if m.matrix.wide:
                    b.ids[n] = <int32_t>(<const int64_t*>m.matrix.indices)[j]
                else:
                    b.ids[n] = (<const int32_t*>m.matrix.indices)[j]
                n += 1
        forward(m, <const real*>m.w)
        loss[0] += loss_rows(m, tag, data, i, b.stop, 1.0, False, False)
        i = b.stop
    return True
