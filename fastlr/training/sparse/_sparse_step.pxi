# The step on the features of a mini-batch.

cdef int run_steps(
    SparseLoop m, real *tag, Data *data, Py_ssize_t batch_size, Py_ssize_t first, Py_ssize_t count,
    Py_ssize_t *done, double *loss, double *weight,
) noexcept nogil:
    """Make `count` steps."""
    cdef Py_ssize_t i, start, stop
    cdef double batch_loss
    cdef bint memory = True
    cdef int status
    done[0] = 0
    for i in range(first, first + count):
        start = i * batch_size
        stop = min(start + batch_size, data.used)
        batch_loss = batch_gradient(m, tag, data, start, stop, &memory)
        if not memory:
            return NO_MEMORY
        if not isfinite(batch_loss):
            return DIVERGED
        status = step_densely(m, tag) if m.dense else step_lazily(m, tag)
        if status == DIVERGED:
            return DIVERGED
        loss[0] += batch_loss
        weight[0] += sum_weights(data, start, stop)
        done[0] += 1
    return DONE


cdef int step_densely(SparseLoop m, real *tag) noexcept nogil:
    """Step all features, with zeros for a gradient where there is none."""
    cdef Batch *batch = &m.batch
    cdef int status
    cdef Py_ssize_t i, size = m.outputs * m.itemsize
    for i in range(batch.count):
        memcpy(m.grad_coef + batch.feature[i] * size, batch.g + i * m.ld * m.itemsize, size)
    status = m.stepper.advance()
    for i in range(batch.count):
        memset(m.grad_coef + batch.feature[i] * size, 0, size)
    return status


cdef int step_lazily(SparseLoop m, real *tag) noexcept nogil:
    """Step the features of the mini-batch, and the intercept."""
    cdef Plan *plan = &m.stepper.plan
    cdef Py_ssize_t size = plan.width * m.itemsize
    cdef char *table = plan.rows + plan.cursor * plan.n_groups * size
    cdef char *own = m.rows + size
    cdef int status
    cdef int32_t i
    cdef Idle one
    memcpy(m.rows, table + m.coef_segment.group * size, size)
    if m.intercept != NULL:
        memcpy(own, table + m.intercept_segment.group * size, size)
    if m.stepper.check or m.stepper.plan.clip_norm > 0:
        status = measure(m, tag)
        if status != DONE:
            return status
    one = idle_of(m, <real*>m.rows)
    if one.alone:
        step_alone(m, tag, one)
    else:
        note_idle(m, one)
    if m.many:
        update_rows(m, tag)
    else:
        update_gathered(m, tag)
    if m.intercept != NULL:
        update_intercept(m, tag)
    m.clock += 1
    if m.idle:  # else nothing was missed
        for i in range(m.batch.count):
            m.last[m.batch.feature[i]] = m.clock
    if one.alone:
        begin_tables(m)
    plan.cursor += 1
    m.stepper.t += 1
    return DONE


cdef int measure(SparseLoop m, real *tag) noexcept nogil:
    """Look at the norms of the gradients: scale them, or say that the step cannot be made."""
    cdef Plan *plan = &m.stepper.plan
    cdef Batch *batch = &m.batch
    cdef Py_ssize_t i, n = m.outputs, norms = 1
    cdef double coef = 0, intercept = 0
    cdef bint joint
    if m.many:
        for i in range(batch.count):
            coef += batch.square[i]
    else:
        coef = (<sumsq_t><void*>plan.sumsq)(batch.g, batch.count * n)
    if m.intercept != NULL:
        intercept = (<sumsq_t><void*>plan.sumsq)(m.grad_intercept, n)
    if not isfinite(coef + intercept):
        # Finite gradients may have a sum of squares that is not, in single precision above all.
        coef = 0
        for i in range(batch.count):
            coef += (<sumsq_t><void*>plan.sumsq)(batch.g + i * m.ld * m.itemsize, n)
        if m.stepper.check and not isfinite(coef + intercept):
            i = -1
            if not finite(m, tag):
                i = m.coef_segment - plan.segments
            elif m.intercept != NULL and not all_finite(<const real*>m.grad_intercept, n):
                i = m.intercept_segment - plan.segments
            if i >= 0:
                m.stepper.norm = sqrt(coef + intercept)
                if m.stepper.raises:
                    return DIVERGED
                m.stepper.culprit = i
                m.stepper.skipped += 1
                return SKIPPED
    m.stepper.norm = sqrt(coef + intercept)
    if m.stepper.plan.clip_norm > 0:
        joint = m.intercept != NULL and m.coef_segment.norm == m.intercept_segment.norm
        set_scale(plan, m.rows, coef + intercept if joint else coef)
        if m.intercept != NULL:
            set_scale(
                plan, m.rows + plan.width * m.itemsize, coef + intercept if joint else intercept)
    return DONE


cdef bint all_finite(const real *x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if not isfinite(x[i]):
            return False
    return True


cdef bint finite(SparseLoop m, real *tag) noexcept nogil:
    cdef int32_t i
    for i in range(m.batch.count):
        if not all_finite(<const real*>m.batch.g + i * m.ld, m.outputs):
            return False
    return True


cdef inline Py_ssize_t apply_rule(
    Plan *plan, void *p, const void *g, void **state, char *row, Py_ssize_t n, bint due
) noexcept nogil:
    """Update some elements; return how many moves a cautious step keeps."""
    cdef Finish *finish = &plan.finish
    if finish.cautious:
        memcpy(state[finish.first], p, n * plan.itemsize)
    (<kernel_t><void*>plan.kernel)(p, g, state, row, n)
    if finish.cautious:
        return (<count_t><void*>finish.count)(p, g, state + finish.first, row, n)
    if due:
        (<kernel_t><void*>finish.kernel)(p, g, state + finish.first, row, n)
    return 0


cdef bint is_due(Plan *plan, real *row) noexcept nogil:
    """Whether anything follows the rule in this step."""
    return plan.finish.kernel != 0 and (
        plan.finish.always or row[L1] != 0 or row[LOOK] != 0)


cdef void set_caution(real *row, Py_ssize_t kept, Py_ssize_t n) noexcept nogil:
    """Scale the moves that are kept by how few they are."""
    row[MASK] = <real>(1 / max(<double>kept / max(n, 1), 1e-3))


cdef void update_rows(SparseLoop m, real *tag) noexcept nogil:
    """Update features where they lie, one after the other."""
    cdef Plan *plan = &m.stepper.plan
    cdef Batch *batch = &m.batch
    cdef Py_ssize_t size = m.outputs * m.itemsize, kept = 0, offset
    cdef int32_t i
    cdef int k, first = <int>plan.finish.first
    cdef bint due = is_due(plan, <real*>m.rows)
    cdef void *state[MOST_STATES]
    for i in range(batch.count):
        if i + AHEAD < batch.count:
            offset = batch.feature[i + AHEAD] * size
            fetch(m.coef + offset, size)
            fetch(batch.g + (i + AHEAD) * m.ld * m.itemsize, size)
            for k in range(plan.n_state):
                fetch(m.coef_segment.state[k] + offset, size)
        offset = batch.feature[i] * size
        for k in range(plan.n_state):
            state[k] = m.coef_segment.state[k] + offset
        kept += apply_rule(
            plan, m.coef + offset, batch.g + i * m.ld * m.itemsize, state, m.rows, m.outputs, due)
    if plan.finish.cautious:
        set_caution(<real*>m.rows, kept, batch.count * m.outputs)
        for i in range(batch.count):
            offset = batch.feature[i] * size
            for k in range(first, plan.n_state):
                state[k - first] = m.coef_segment.state[k] + offset
            (<kernel_t><void*>plan.finish.kernel)(
                m.coef + offset, batch.g + i * m.ld * m.itemsize, state, m.rows, m.outputs)


cdef void move(SparseLoop m, real *tag, char *whole, char *gathered, bint back) noexcept nogil:
    """Gather the elements of the mini-batch's features, or put them back."""
    cdef real *far
    cdef real *near = <real*>gathered
    cdef Py_ssize_t i, k, n = m.outputs
    for i in range(m.batch.count):
        far = <real*>whole + m.batch.feature[i] * n
        for k in range(n):
            if back:
                far[k] = near[i * n + k]
            else:
                near[i * n + k] = far[k]


cdef void update_gathered(SparseLoop m, real *tag) noexcept nogil:
    """Update features where they were gathered, and put them back."""
    cdef Plan *plan = &m.stepper.plan
    cdef Batch *batch = &m.batch
    cdef int k
    for k in range(plan.n_state):
        if not (plan.finish.cautious and k == plan.finish.first):
            move(m, tag, m.coef_segment.state[k], batch.state[k], False)
    update_run(m, tag, batch.p, batch.g, batch.state, m.rows, batch.count * m.outputs)
    move(m, tag, m.coef, batch.p, True)
    for k in range(plan.n_state):
        if not (plan.finish.cautious and k == plan.finish.first):
            move(m, tag, m.coef_segment.state[k], batch.state[k], True)


cdef void update_intercept(SparseLoop m, real *tag) noexcept nogil:
    cdef Plan *plan = &m.stepper.plan
    update_run(
        m, tag, m.intercept, m.grad_intercept, m.intercept_segment.state,
        m.rows + plan.width * m.itemsize, m.outputs)


cdef void update_run(
    SparseLoop m, real *tag, char *p, char *g, char **states, char *row, Py_ssize_t n
) noexcept nogil:
    """Update elements that lie one after the other."""
    cdef Plan *plan = &m.stepper.plan
    cdef Py_ssize_t at = 0, count, offset, kept = 0
    cdef int k, first = <int>plan.finish.first
    cdef bint due = is_due(plan, <real*>row)
    cdef void *state[MOST_STATES]
    while at < n:
        count = min(TURN, n - at)
        offset = at * m.itemsize
        for k in range(plan.n_state):
            state[k] = states[k] + offset
        kept += apply_rule(plan, p + offset, g + offset, state, row, count, due)
        at += count
    if plan.finish.cautious:
        set_caution(<real*>row, kept, n)
        for k in range(first, plan.n_state):
            state[k - first] = states[k]
        (<kernel_t><void*>plan.finish.kernel)(p, g, state, row, n)
