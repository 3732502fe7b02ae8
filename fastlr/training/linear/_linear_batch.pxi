# Loss and gradient of one mini-batch, in both ways, and weights for features that are scaled.

cdef double batch(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t stop, bint learn
) noexcept nogil:
    """Return the weighted loss of rows; to learn, leave its mean's gradient in the arena."""
    if m.blas:
        return batch_by_blas(m, z, data, start, stop, learn)
    if stop - start == 1:
        return batch_of_row(m, z, data, start, learn)
    return batch_by_tiles(m, z, data, start, stop, learn)


cdef void fold(LinearLoop m, real *z) noexcept nogil:
    """Make the weights for rows as they are of those for scaled features."""
    if real is float:
        fastlr_fold_f32(
            <const float*>m.coef, <const float*>m.intercept, <const float*>m.mean,
            <const float*>m.inverse, m.outputs, m.features, <float*>m.w, <float*>m.b)
    else:
        fastlr_fold_f64(
            <const double*>m.coef, <const double*>m.intercept, <const double*>m.mean,
            <const double*>m.inverse, m.outputs, m.features, <double*>m.w, <double*>m.b)


cdef void unfold(LinearLoop m, real *z) noexcept nogil:
    """Make the gradient for scaled features of that for rows as they are."""
    if real is float:
        fastlr_unfold_f32(
            <float*>m.grad_coef, <const float*>m.grad_intercept, <const float*>m.mean,
            <const float*>m.inverse, m.outputs, m.features)
    else:
        fastlr_unfold_f64(
            <double*>m.grad_coef, <const double*>m.grad_intercept, <const double*>m.mean,
            <const double*>m.inverse, m.outputs, m.features)


cdef void penalise(LinearLoop m, real *z, Py_ssize_t step) noexcept nogil:
    """Add the slope of the L1 penalty to the gradient."""
    cdef Py_ssize_t n = m.outputs * m.features
    cdef double share = max(1.0 / (step + 1), 1.0 / m.memory)
    if real is float:
        fastlr_orthant_f32(
            <const float*>m.coef, <float*>m.grad_coef, <float*>m.mean_grad, <float*>m.side, n,
            <float>m.l1, <float>share, step < m.held)
    else:
        fastlr_orthant_f64(
            <const double*>m.coef, <double*>m.grad_coef, <double*>m.mean_grad, <double*>m.side, n,
            m.l1, share, step < m.held)


cdef void stay(LinearLoop m, real *z) noexcept nogil:
    """Stop weights at zero that have crossed it."""
    cdef Py_ssize_t n = m.outputs * m.features
    if real is float:
        fastlr_stay_f32(<float*>m.coef, <const float*>m.side, n)
    else:
        fastlr_stay_f64(<double*>m.coef, <const double*>m.side, n)


cdef double batch_by_tiles(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t stop, bint learn
) noexcept nogil:
    """Do so by register-blocked tiles.

    Block by block, so that rows are still in the cache when the backward pass wants them. Rows
    of the next block, of the next mini-batch if need be, are fetched meanwhile.
    """
    cdef const real *x = <const real*>data.x
    cdef const real *rows[FASTLR_BLOCK]
    cdef const real *ahead[FASTLR_BLOCK]
    cdef Py_ssize_t i, r, count, filled, n = m.features
    cdef double loss = 0, share = 1.0 / (stop - start) if learn else 1.0
    cdef bint scattered = data.order != NULL
    i = start
    while i < stop:
        count = min(stop - i, <Py_ssize_t>FASTLR_BLOCK)
        for r in range(count):
            rows[r] = x + row_at(data, i + r) * n
        # A tile may read more rows than there are; what it makes of them is not used.
        filled = count + (-count & (FASTLR_TILE - 1))
        for r in range(count, filled):
            rows[r] = rows[count - 1]
        if scattered:
            for r in range(filled):
                ahead[r] = x + row_at(data, min(i + count + r, data.used - 1)) * n
        if real is float:
            fastlr_forward_f32(
                rows, ahead if scattered else NULL, count, <const float*>m.w, m.outputs, n, z,
                m.ld)
        else:
            fastlr_forward_f64(
                rows, ahead if scattered else NULL, count, <const double*>m.w, m.outputs, n, z,
                m.ld)
        loss += block_loss(m, z, data, i, count, share, learn, i > start)
        if not learn:
            pass
        elif real is float:
            fastlr_backward_f32(
                rows, count, z, m.ld, <float*>m.grad_coef, m.outputs, n, i > start)
        else:
            fastlr_backward_f64(
                rows, count, z, m.ld, <double*>m.grad_coef, m.outputs, n, i > start)
        i += count
    return loss


cdef double batch_of_row(
    LinearLoop m, real *z, Data *data, Py_ssize_t at, bint learn
) noexcept nogil:
    """Do so for a row alone."""
    cdef Py_ssize_t n = m.features, k = m.outputs, i = row_at(data, at)
    cdef const real *x = <const real*>data.x + i * n
    cdef const real *ahead = NULL
    cdef double loss
    if data.order != NULL:
        ahead = <const real*>data.x + row_at(data, min(at + ROWS_AHEAD, data.used - 1)) * n
    if real is float:
        fastlr_row_forward_f32(x, ahead, <const float*>m.w, k, n, z)
    else:
        fastlr_row_forward_f64(x, ahead, <const double*>m.w, k, n, z)
    loss = row_loss(m, z, data, i)
    if not learn:
        return loss
    if real is float:
        fastlr_row_backward_f32(x, z, k, n, <float*>m.grad_coef)
    else:
        fastlr_row_backward_f64(x, z, k, n, <double*>m.grad_coef)
    if m.grad_intercept != NULL:
        memcpy(m.grad_intercept, z, k * sizeof(real))
    return loss


cdef double batch_by_blas(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t stop, bint learn
) noexcept nogil:
    """Do so by matrix products of gathered rows, BLAS_ROWS at a time."""
    cdef const real *x
    cdef real *gathered = <real*>m.gathered
    cdef real one = 1, zero = 0, keep
    cdef int n = <int>m.features, k = <int>m.outputs, ld = <int>m.ld, count
    cdef Py_ssize_t i, r
    cdef double loss = 0, share = 1.0 / (stop - start) if learn else 1.0
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
        multiply(m, TRANSPOSED, AS_IS, count, k, n, x, n, <const real*>m.w, n, zero, z, ld)
        r = 0
        while r < count:
            loss += block_loss(
                m, z + r, data, i + r, min(count - r, <Py_ssize_t>FASTLR_BLOCK), share, learn,
                i > start or r > 0)
            r += FASTLR_BLOCK
        if learn:
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
