# Loss and gradient of one mini-batch, in both ways.

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


cdef double batch_by_tiles(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil:
    """Leave the gradient of a mini-batch in the arena; return its weighted loss.

    Block by block, so that rows are still in the cache when the backward pass wants them. Rows
    of the next block, of the next mini-batch if need be, are fetched meanwhile.
    """
    cdef const real *x = <const real*>data.x
    cdef const real *rows[FASTLR_BLOCK]
    cdef const real *ahead[FASTLR_BLOCK]
    cdef Py_ssize_t i, r, count, n = m.features
    cdef double loss = 0
    cdef bint scattered = data.order != NULL
    i = start
    while i < stop:
        count = min(stop - i, <Py_ssize_t>FASTLR_BLOCK)
        for r in range(FASTLR_BLOCK):
            # Tiles may read more rows than there are; what they make of them is not used.
            rows[r] = x + row_at(data, i + min(r, count - 1)) * n
            if scattered:
                ahead[r] = x + row_at(data, min(i + count + r, data.used - 1)) * n
        if real is float:
            fastlr_forward_f32(
                rows, ahead if scattered else NULL, count, <const float*>m.coef, m.outputs, n, z,
                m.ld)
        else:
            fastlr_forward_f64(
                rows, ahead if scattered else NULL, count, <const double*>m.coef, m.outputs, n, z,
                m.ld)
        loss += block_loss(m, z, data, i, count, stop - start, i > start)
        if real is float:
            fastlr_backward_f32(
                rows, count, z, m.ld, <float*>m.grad_coef, m.outputs, n, i > start)
        else:
            fastlr_backward_f64(
                rows, count, z, m.ld, <double*>m.grad_coef, m.outputs, n, i > start)
        i += count
    return loss


cdef double batch_by_blas(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil:
    """The same by matrix products of gathered rows, BLAS_ROWS at a time."""
    cdef const real *x
    cdef real *gathered = <real*>m.gathered
    cdef real one = 1, zero = 0, keep
    cdef int n = <int>m.features, k = <int>m.outputs, ld = <int>m.ld, count
    cdef Py_ssize_t i, r
    cdef double loss = 0
    i = start
    while i < stop:
        count = <int>min(stop - i, BLAS_ROWS)
        if data.order == NULL:
            x = <const real*>data.x + i * n
        else:
            for r in range(count):
                memcpy(
                    gathered + r * n, <const real*>data.x + data.order[i + r] * n, n * sizeof(real))
            x = gathered
        keep = one if i > start else zero
        # BLAS counts in columns: there x is (n, count), coef (n, k) and z (count, k).
        multiply(m, TRANSPOSED, AS_IS, count, k, n, x, n, <const real*>m.coef, n, zero, z, ld)
        r = 0
        while r < count:
            loss += block_loss(
                m, z + r, data, i + r, min(count - r, <Py_ssize_t>FASTLR_BLOCK), stop - start,
                i > start or r > 0)
            r += FASTLR_BLOCK
        multiply(m, AS_IS, AS_IS, n, k, count, x, n, z, ld, keep, <real*>m.grad_coef, n)
        i += count
    return loss


cdef void multiply(
    LinearLoop m, char trans_a, char trans_b, int rows, int columns, int inner,
    const real *a, int lda, const real *b, int ldb, real beta, real *c, int ldc,
) noexcept nogil:
    cdef real alpha = 1
    if real is float:
        (<sgemm_t>m.gemm)(&trans_a, &trans_b, &rows, &columns, &inner, &alpha, <real*>a, &lda,
                          <real*>b, &ldb, &beta, c, &ldc)
    else:
        (<dgemm_t>m.gemm)(&trans_a, &trans_b, &rows, &columns, &inner, &alpha, <real*>a, &lda,
                          <real*>b, &ldb, &beta, c, &ldc)


cdef double block_loss(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t count, Py_ssize_t batch_rows,
    bint add,
) noexcept nogil:
    """Turn products into the gradient with respect to the logits; add up the intercept's."""
    cdef int64_t codes[FASTLR_BLOCK]
    cdef double weights[FASTLR_BLOCK]
    cdef const real *intercept = <const real*>m.intercept
    cdef double loss, share = 1.0 / batch_rows
    cdef Py_ssize_t r, row
    for r in range(count):
        row = row_at(data, start + r)
        codes[r] = data.y[row]
        weights[r] = 1.0 if data.weight == NULL else data.weight[row]
    if real is float:
        if m.logistic:
            loss = fastlr_logistic_f32(
                z, m.ld, m.outputs, count, intercept, codes, weights, share)
        else:
            loss = fastlr_softmax_f32(z, m.ld, m.outputs, count, intercept, codes, weights, share)
        if intercept != NULL:
            fastlr_sum_rows_f32(z, m.ld, m.outputs, <float*>m.grad_intercept, add)
    else:
        if m.logistic:
            loss = fastlr_logistic_f64(
                z, m.ld, m.outputs, count, intercept, codes, weights, share)
        else:
            loss = fastlr_softmax_f64(z, m.ld, m.outputs, count, intercept, codes, weights, share)
        if intercept != NULL:
            fastlr_sum_rows_f64(z, m.ld, m.outputs, <double*>m.grad_intercept, add)
    return loss
