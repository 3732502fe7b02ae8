# From products to slopes, a block of rows at a time.

cdef double block_loss(
    LinearLoop m, real *z, Data *data, Py_ssize_t start, Py_ssize_t count, double share,
    bint learn, bint add,
) noexcept nogil:
    """Turn products into the gradient with respect to the outputs; add up the intercept's."""
    cdef int64_t codes[FASTLR_BLOCK]
    cdef const real *targets[FASTLR_BLOCK]
    cdef double weights[FASTLR_BLOCK]
    cdef double loss
    cdef Py_ssize_t r, row
    for r in range(count):
        row = row_at(data, start + r)
        if data.codes != NULL:
            codes[r] = data.codes[row]
        else:
            targets[r] = <const real*>data.targets + row * m.outputs
        weights[r] = 1.0 if data.weight == NULL else data.weight[row]
    loss = slopes(m, z, count, codes, targets, weights, share)
    if learn and m.grad_intercept != NULL:
        if real is float:
            fastlr_sum_rows_f32(z, m.ld, m.outputs, <float*>m.grad_intercept, add)
        else:
            fastlr_sum_rows_f64(z, m.ld, m.outputs, <double*>m.grad_intercept, add)
    return loss


cdef double slopes(
    LinearLoop m, real *z, Py_ssize_t count, const int64_t *codes, const real **targets,
    const double *weights, double share,
) noexcept nogil:
    """Turn products into slopes by the loss in use."""
    cdef const real *b = <const real*>m.b
    cdef const real *row = <const real*>m.row
    cdef Py_ssize_t ld = m.ld, k = m.outputs
    if real is float:
        if m.form == SOFTMAX:
            return fastlr_softmax_f32(z, ld, k, count, b, codes, weights, share)
        if m.form == LOGISTIC:
            return fastlr_logistic_f32(z, ld, k, count, b, codes, weights, share)
        if m.form == LABELS:
            return labels(m, z, count, targets, weights, share)
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
        if m.form == LABELS:
            return labels(m, z, count, targets, weights, share)
        if m.form == OVR:
            return fastlr_ovr_f64(
                z, ld, k, count, b, codes, weights, share, <fastlr_rule_f64>m.rule, row)
        if m.form == RIVAL:
            return fastlr_rival_f64(
                z, ld, k, count, b, codes, weights, share, <fastlr_rule_f64>m.rule, row)
        return fastlr_each_f64(
            z, ld, k, count, b, targets, weights, share, <fastlr_rule_f64>m.rule, row)


cdef double labels(
    LinearLoop m, real *z, Py_ssize_t count, const real **targets, const double *weights,
    double share,
) noexcept nogil:
    """Log-loss of each output with a target of its own, +1 or -1."""
    cdef const real *b = NULL
    cdef int64_t codes[FASTLR_BLOCK]
    cdef double loss = 0
    cdef Py_ssize_t k, r
    for k in range(m.outputs):
        for r in range(count):
            codes[r] = targets[r][k] > 0
        if m.b != NULL:
            b = <const real*>m.b + k
        if real is float:
            loss += fastlr_logistic_f32(z + k * m.ld, m.ld, 1, count, b, codes, weights, share)
        else:
            loss += fastlr_logistic_f64(z + k * m.ld, m.ld, 1, count, b, codes, weights, share)
    return loss


cdef double row_loss(LinearLoop m, real *z, Data *data, Py_ssize_t row) noexcept nogil:
    """Turn the products of a row alone into slopes; they lie one after the other."""
    cdef const real *b = <const real*>m.b
    cdef const real *terms = <const real*>m.row
    cdef const real *targets = NULL
    cdef Py_ssize_t k = m.outputs, j
    cdef int64_t code = 0
    cdef double weight = 1.0 if data.weight == NULL else data.weight[row]
    cdef double loss = 0
    cdef bint own
    if data.codes != NULL:
        code = data.codes[row]
    else:
        targets = <const real*>data.targets + row * k
    if m.form == SOFTMAX:
        if real is float:
            return fastlr_row_softmax_f32(z, k, b, code, weight)
        else:
            return fastlr_row_softmax_f64(z, k, b, code, weight)
    if m.form == RIVAL:
        if real is float:
            return fastlr_row_rival_f32(z, k, b, code, weight, <fastlr_rule_f32>m.rule, terms)
        else:
            return fastlr_row_rival_f64(z, k, b, code, weight, <fastlr_rule_f64>m.rule, terms)
    if m.form == OVR or m.form == EACH:
        if real is float:
            return fastlr_row_each_f32(
                z, k, b, targets, code, weight, <fastlr_rule_f32>m.rule, terms)
        else:
            return fastlr_row_each_f64(
                z, k, b, targets, code, weight, <fastlr_rule_f64>m.rule, terms)
    for j in range(k):  # LOGISTIC, LABELS
        own = targets[j] > 0 if targets != NULL else code == (1 if k == 1 else j)
        if real is float:
            loss += fastlr_row_logistic_f32(z + j, b + j if b != NULL else NULL, own, weight)
        else:
            loss += fastlr_row_logistic_f64(z + j, b + j if b != NULL else NULL, own, weight)
    return loss


def exponential(cnp.ndarray x not None):
    """Return e^x as the losses compute it, for a contiguous float32 or float64 array."""
    cdef cnp.ndarray out = np.empty_like(x)
    if x.dtype == np.float32:
        fastlr_exponential_f32(
            <const float*>cnp.PyArray_DATA(x), <float*>cnp.PyArray_DATA(out), x.size)
    else:
        fastlr_exponential_f64(
            <const double*>cnp.PyArray_DATA(x), <double*>cnp.PyArray_DATA(out), x.size)
    return out
