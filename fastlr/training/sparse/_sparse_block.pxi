# From products to slopes, a block of rows at a time.

cdef double loss_rows(
    SparseLoop m, real *tag, Data *data, Py_ssize_t start, Py_ssize_t stop, double share,
    bint learn, bint add,
) noexcept nogil:
    """Turn a block's products into the gradient with respect to the outputs; return the loss.

    That of the intercept is added up if they are to `learn`, from zero on unless `add`.
    """
    cdef int64_t codes[FASTLR_BLOCK]
    cdef const real *targets[FASTLR_BLOCK]
    cdef double weights[FASTLR_BLOCK]
    cdef real *z
    cdef real *aside = <real*>m.aside
    cdef Py_ssize_t i = start, r, row, count
    cdef double loss = 0
    while i < stop:
        count = min(stop - i, <Py_ssize_t>FASTLR_BLOCK)
        z = <real*>m.z + (i - start) * m.ld
        for r in range(count):
            row = row_at(data, i + r)
            if data.codes != NULL:
                codes[r] = data.codes[row]
            else:
                targets[r] = <const real*>data.targets + row * m.outputs
            weights[r] = 1.0 if data.weight == NULL else data.weight[row]
        if real is float:
            fastlr_sparse_aside_f32(z, m.ld, count, m.outputs, aside)
        else:
            fastlr_sparse_aside_f64(z, m.ld, count, m.outputs, aside)
        loss += slopes(m, aside, count, codes, targets, weights, share)
        if real is float:
            if learn and m.intercept != NULL:
                fastlr_sum_rows_f32(
                    aside, FASTLR_BLOCK, m.outputs, <float*>m.grad_intercept, add or i > start)
            fastlr_sparse_back_f32(aside, m.ld, count, m.outputs, z)
        else:
            if learn and m.intercept != NULL:
                fastlr_sum_rows_f64(
                    aside, FASTLR_BLOCK, m.outputs, <double*>m.grad_intercept, add or i > start)
            fastlr_sparse_back_f64(aside, m.ld, count, m.outputs, z)
        i += count
    return loss


cdef double slopes(
    SparseLoop m, real *z, Py_ssize_t count, const int64_t *codes, const real **targets,
    const double *weights, double share,
) noexcept nogil:
    """Turn products into slopes by the loss in use."""
    cdef const real *b = <const real*>m.b
    cdef const real *row = <const real*>m.row
    cdef Py_ssize_t ld = FASTLR_BLOCK, k = m.outputs
    if real is float:
        if m.form == SOFTMAX:
            return fastlr_softmax_f32(z, ld, k, count, b, codes, weights, share)
        if m.form == LOGISTIC:
            return fastlr_logistic_f32(z, ld, k, count, b, codes, weights, share)
        if m.form == OVR:
            return fastlr_ovr_f32(
                z, ld, k, count, b, codes, weights, share, <fastlr_rule_f32>m.rule, row)
        if m.form == RIVAL:
            return fastlr_rival_f32(
                z, ld, k, count, b, codes, weights, share, <fastlr_rule_f32>m.rule, row)
        return fastlr_each_f32(
            z, ld, k, count, b, targets, weights, share, <fastlr_rule_f32>m.rule, row)
    else:
        if m.form == SOFTMAX:
            return fastlr_softmax_f64(z, ld, k, count, b, codes, weights, share)
        if m.form == LOGISTIC:
            return fastlr_logistic_f64(z, ld, k, count, b, codes, weights, share)
        if m.form == OVR:
            return fastlr_ovr_f64(
                z, ld, k, count, b, codes, weights, share, <fastlr_rule_f64>m.rule, row)
        if m.form == RIVAL:
            return fastlr_rival_f64(
                z, ld, k, count, b, codes, weights, share, <fastlr_rule_f64>m.rule, row)
        return fastlr_each_f64(
            z, ld, k, count, b, targets, weights, share, <fastlr_rule_f64>m.rule, row)
