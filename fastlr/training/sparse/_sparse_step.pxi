# The step on the features of a mini-batch.

cdef int run_steps(
    SparseLoop m, fastlr_data *data, Py_ssize_t batch_size, Py_ssize_t first, Py_ssize_t count,
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
        batch_loss = fastlr_sparse_gradient(&m.c, data, start, stop, &memory)
        if not memory:
            return NO_MEMORY
        if not isfinite(batch_loss):
            return DIVERGED
        status = step_densely(m, i) if m.c.dense else step_lazily(m)
        if status == DIVERGED:
            return DIVERGED
        loss[0] += batch_loss
        weight[0] += fastlr_sum_weights(data, start, stop)
        done[0] += 1
    return DONE


cdef int step_densely(SparseLoop m, Py_ssize_t step) noexcept nogil:
    """Step all features, with zeros for a gradient where there is none."""
    cdef fastlr_batch *batch = &m.c.batch
    cdef int status
    cdef Py_ssize_t i, size = m.c.outputs * m.c.itemsize
    for i in range(batch.count):
        memcpy(m.c.grad_coef + batch.feature[i] * size, batch.g + i * m.c.ld * m.c.itemsize, size)
    if m.c.sides != NULL:
        fastlr_sparse_orthant(&m.c, step)
        status = m.stepper.advance()
        fastlr_sparse_stay_all(&m.c)
        memset(m.c.grad_coef, 0, m.c.features * size)
        return status
    status = m.stepper.advance()
    for i in range(batch.count):
        memset(m.c.grad_coef + batch.feature[i] * size, 0, size)
    return status


cdef int step_lazily(SparseLoop m) noexcept nogil:
    """Step the features of the mini-batch, and the intercept."""
    cdef Plan *plan = &m.stepper.plan
    cdef Py_ssize_t size = plan.width * m.c.itemsize
    cdef char *table = plan.rows + plan.cursor * plan.n_groups * size
    cdef char *own = m.rows + size
    cdef int status
    cdef int32_t i
    cdef bint sides
    cdef fastlr_idle one
    memcpy(m.rows, table + m.coef_segment.group * size, size)
    if m.c.intercept != NULL:
        memcpy(own, table + m.intercept_segment.group * size, size)
    if m.stepper.check or m.stepper.plan.clip_norm > 0:
        status = measure(m)
        if status != DONE:
            return status
    one = idle_of(m, m.rows)
    sides = share_penalty(m)
    if one.alone:
        fastlr_sparse_step_alone(&m.c, &one)
    else:
        fastlr_note_idle(&m.c, &one)
    if m.c.many:
        update_rows(m)
    else:
        update_gathered(m)
    if m.c.intercept != NULL:
        update_intercept(m)
    if sides:
        fastlr_sparse_stay(&m.c)
    if one.soft > 0:
        fastlr_sparse_soften(&m.c, one.soft)
    m.c.clock += 1
    if m.c.idle:  # else nothing was missed
        for i in range(m.c.batch.count):
            m.c.last[m.c.batch.feature[i]] = m.c.clock
    if one.alone:
        fastlr_begin_tables(&m.c)
    plan.cursor += 1
    m.stepper.t += 1
    return DONE


cdef bint share_penalty(SparseLoop m) noexcept nogil:
    """Add their share of penalties to the gradients; return whether sides of zero were chosen."""
    cdef int size = m.c.itemsize
    cdef double clip, l2
    if m.c.meetings == NULL:
        return False
    clip, l2 = fastlr_get(size, m.rows, CLIP), fastlr_get(size, m.rows, L2)
    fastlr_sparse_share(&m.c, fastlr_get(size, m.rows, GSCALE), clip, l2)
    fastlr_put(size, m.rows, GSCALE, 1)
    fastlr_put(size, m.rows, CLIP, INFINITY)
    fastlr_put(size, m.rows, L2, 0)
    return m.c.l1 > 0 and clip > 0


cdef fastlr_idle idle_of(SparseLoop m, char *row) noexcept nogil:
    """Read from a coefficient row how a step changes a feature without a gradient."""
    cdef fastlr_sparse *c = &m.c
    cdef fastlr_idle one
    cdef Py_ssize_t at = c.clock - c.base
    cdef int size = c.itemsize
    cdef double l2 = fastlr_get(size, row, L2), way = 0
    cdef bint echoes = False
    one.left, one.threshold, one.soft = 1, fastlr_get(size, row, L1), 0
    if m.idles:
        one.left -= fastlr_get(size, row, SHRINK)
    if m.linear and (l2 != 0 or c.l1 > 0):
        way = way_of(m, row, &echoes)
        # Momentum spreads the pull over steps, which would be stable where one step is not.
        one.left = one.left * exp(-way * l2) if echoes else one.left - way * l2
        one.soft = way * c.l1
        one.threshold += one.soft
    one.weight = fastlr_get(size, row, AVGW) if c.average != NULL else 0
    one.alone = not (one.left > 1e-3 and c.shrunk[at] * one.left > 1e-100)
    if c.average != NULL:
        one.alone |= not (one.weight < 0.999 and c.kept[at] * (1 - one.weight) > 1e-100)
    return one


cdef double way_of(SparseLoop m, char *row, bint *echoes) noexcept nogil:
    """Return how far a gradient of 1 takes a parameter down in the end, by a linear rule.

    Moves that follow that of the step itself echo it, each by the same factor.
    """
    cdef double p, g = 0, scale, clip  # room for a number of either precision
    cdef double state[FASTLR_MOST_STATES]
    cdef double moves[3]
    cdef void *at[FASTLR_MOST_STATES]
    cdef int k, size = m.c.itemsize
    for k in range(FASTLR_MOST_STATES):
        state[k], at[k] = 0, &state[k]
    scale, clip = fastlr_get(size, row, GSCALE), fastlr_get(size, row, CLIP)
    fastlr_put(size, row, GSCALE, 1)
    fastlr_put(size, row, CLIP, 1)
    for k in range(3):
        p = 0
        fastlr_put(size, &g, 0, k == 0)
        (<kernel_t><void*>m.stepper.plan.kernel)(&p, &g, at, row, 1)
        moves[k] = -fastlr_get(size, &p, 0)
    fastlr_put(size, row, GSCALE, scale)
    fastlr_put(size, row, CLIP, clip)
    echoes[0] = moves[1] != 0 and fabs(moves[2]) < fabs(moves[1])
    return moves[0] + moves[1] / (1 - moves[2] / moves[1]) if echoes[0] else moves[0]


cdef int measure(SparseLoop m) noexcept nogil:
    """Look at the norms of the gradients: scale them, or say that the step cannot be made."""
    cdef Plan *plan = &m.stepper.plan
    cdef fastlr_batch *batch = &m.c.batch
    cdef Py_ssize_t i, n = m.c.outputs, norms = 1
    cdef double coef = 0, intercept = 0
    cdef bint joint
    if m.c.many:
        for i in range(batch.count):
            coef += batch.square[i]
    else:
        coef = (<sumsq_t><void*>plan.sumsq)(batch.g, batch.count * n)
    if m.c.intercept != NULL:
        intercept = (<sumsq_t><void*>plan.sumsq)(m.c.grad_intercept, n)
    if not isfinite(coef + intercept):
        # Finite gradients may have a sum of squares that is not, in single precision above all.
        coef = 0
        for i in range(batch.count):
            coef += (<sumsq_t><void*>plan.sumsq)(batch.g + i * m.c.ld * m.c.itemsize, n)
        if m.stepper.check and not isfinite(coef + intercept):
            i = -1
            if not finite(m):
                i = m.coef_segment - plan.segments
            elif m.c.intercept != NULL and not fastlr_all_finite(m.c.itemsize, m.c.grad_intercept, n):
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
        joint = m.c.intercept != NULL and m.coef_segment.norm == m.intercept_segment.norm
        set_scale(plan, m.rows, sqrt(coef + intercept if joint else coef))
        if m.c.intercept != NULL:
            set_scale(
                plan,
                m.rows + plan.width * m.c.itemsize,
                sqrt(coef + intercept if joint else intercept),
            )
    return DONE


cdef bint finite(SparseLoop m) noexcept nogil:
    cdef int32_t i
    for i in range(m.c.batch.count):
        if not fastlr_all_finite(
            m.c.itemsize, m.c.batch.g + i * m.c.ld * m.c.itemsize, m.c.outputs
        ):
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


cdef bint is_due(Plan *plan, const char *row) noexcept nogil:
    """Whether anything follows the rule in this step."""
    return plan.finish.kernel != 0 and (
        plan.finish.always or fastlr_get(<int>plan.itemsize, row, L1) != 0
        or fastlr_get(<int>plan.itemsize, row, LOOK) != 0)


cdef void set_caution(Plan *plan, char *row, Py_ssize_t kept, Py_ssize_t n) noexcept nogil:
    """Scale the moves that are kept by how few they are."""
    fastlr_put(<int>plan.itemsize, row, MASK, 1 / max(<double>kept / max(n, 1), 1e-3))


cdef void update_rows(SparseLoop m) noexcept nogil:
    """Update features where they lie, one after the other."""
    cdef Plan *plan = &m.stepper.plan
    cdef fastlr_batch *batch = &m.c.batch
    cdef Py_ssize_t size = m.c.outputs * m.c.itemsize, kept = 0, offset
    cdef int32_t i
    cdef int k, first = <int>plan.finish.first
    cdef bint due = is_due(plan, m.rows)
    cdef void *state[FASTLR_MOST_STATES]
    for i in range(batch.count):
        if i + FASTLR_AHEAD < batch.count:
            offset = batch.feature[i + FASTLR_AHEAD] * size
            fastlr_fetch(m.c.coef + offset, size)
            fastlr_fetch(batch.g + (i + FASTLR_AHEAD) * m.c.ld * m.c.itemsize, size)
            for k in range(plan.n_state):
                fastlr_fetch(m.coef_segment.state[k] + offset, size)
        offset = batch.feature[i] * size
        for k in range(plan.n_state):
            state[k] = m.coef_segment.state[k] + offset
        kept += apply_rule(
            plan, m.c.coef + offset, batch.g + i * m.c.ld * m.c.itemsize, state, m.rows, m.c.outputs, due)
    if plan.finish.cautious:
        set_caution(plan, m.rows, kept, batch.count * m.c.outputs)
        for i in range(batch.count):
            offset = batch.feature[i] * size
            for k in range(first, plan.n_state):
                state[k - first] = m.coef_segment.state[k] + offset
            (<kernel_t><void*>plan.finish.kernel)(
                m.c.coef + offset, batch.g + i * m.c.ld * m.c.itemsize, state, m.rows, m.c.outputs)


cdef void update_gathered(SparseLoop m) noexcept nogil:
    """Update features where they were gathered, and put them back."""
    cdef Plan *plan = &m.stepper.plan
    cdef fastlr_batch *batch = &m.c.batch
    cdef int k
    for k in range(plan.n_state):
        if not (plan.finish.cautious and k == plan.finish.first):
            fastlr_sparse_move(&m.c, m.coef_segment.state[k], batch.state[k], False)
    update_run(m, batch.p, batch.g, batch.state, m.rows, batch.count * m.c.outputs)
    fastlr_sparse_move(&m.c, m.c.coef, batch.p, True)
    for k in range(plan.n_state):
        if not (plan.finish.cautious and k == plan.finish.first):
            fastlr_sparse_move(&m.c, m.coef_segment.state[k], batch.state[k], True)


cdef void update_intercept(SparseLoop m) noexcept nogil:
    cdef Plan *plan = &m.stepper.plan
    update_run(
        m, m.c.intercept, m.c.grad_intercept, m.intercept_segment.state,
        m.rows + plan.width * m.c.itemsize, m.c.outputs)


cdef void update_run(
    SparseLoop m, char *p, char *g, char **states, char *row, Py_ssize_t n
) noexcept nogil:
    """Update elements that lie one after the other."""
    cdef Plan *plan = &m.stepper.plan
    cdef Py_ssize_t at = 0, count, offset, kept = 0
    cdef int k, first = <int>plan.finish.first
    cdef bint due = is_due(plan, row)
    cdef void *state[FASTLR_MOST_STATES]
    while at < n:
        count = min(TURN, n - at)
        offset = at * m.c.itemsize
        for k in range(plan.n_state):
            state[k] = states[k] + offset
        kept += apply_rule(plan, p + offset, g + offset, state, row, count, due)
        at += count
    if plan.finish.cautious:
        set_caution(plan, row, kept, n)
        for k in range(first, plan.n_state):
            state[k - first] = states[k]
        (<kernel_t><void*>plan.finish.kernel)(p, g, state, row, n)
