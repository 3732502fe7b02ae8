# What steps do to features that they do not touch, made up for all at once.
#
# A step without a gradient takes p to soft(a p, l), a being what decay leaves and l the threshold
# of L1. After steps with a_1, l_1 ... a_n, l_n, and with A_n = a_1 ... a_n and
# B_n = l_1 / A_1 + ... + l_n / A_n, those after step m have taken |p| to
#     max(A_n |p| / A_m - A_n (B_n - B_m), 0)
# and an average that moves by a share w of what it lacks, with K_n = (1 - w_1) ... (1 - w_n) and
# T_n = w_1 A_1 / K_1 + ... + w_n A_n / K_n, to
#     K_n avg / K_m + K_n (T_n - T_m) p / A_m
# so a feature needs only the tables of A, B, K and T, kept in double precision. Products that come
# near zero start anew, which takes a visit to every feature.

cdef void begin_tables(SparseLoop m) noexcept nogil:
    """Start from here: every feature has seen all steps."""
    m.base = m.clock
    m.idle = False
    m.shrunk[0], m.pulled[0] = 1, 0
    if m.averaging >= 0:
        m.kept[0], m.taken[0] = 1, 0


cdef struct Idle:  # what one step does to a feature without a gradient
    double left, threshold, weight
    bint alone  # it cannot join the tables


cdef Idle idle_of(SparseLoop m, real *row) noexcept nogil:
    """Read a coefficient row."""
    cdef Idle one
    cdef Py_ssize_t at = m.clock - m.base
    cdef real p = 0, g = 1, scale, clip, unused = 0
    cdef void *state[MOST_STATES]
    cdef int k
    one.left, one.threshold = 1, row[L1]
    if m.idles:
        one.left -= row[SHRINK]
    if m.plain and row[L2] != 0:
        # The rate, wherever the rule keeps it: how far it goes down a gradient of 1.
        for k in range(MOST_STATES):
            state[k] = &unused
        scale, clip = row[GSCALE], row[CLIP]
        row[GSCALE] = row[CLIP] = 1
        (<kernel_t><void*>m.stepper.plan.kernel)(&p, &g, state, row, 1)
        row[GSCALE], row[CLIP] = scale, clip
        one.left += <double>p * row[L2]
    one.weight = row[AVGW] if m.averaging >= 0 else 0
    one.alone = not (one.left > 1e-3 and m.shrunk[at] * one.left > 1e-100)
    if m.averaging >= 0:
        one.alone |= not (one.weight < 0.999 and m.kept[at] * (1 - one.weight) > 1e-100)
    return one


cdef void note_idle(SparseLoop m, Idle one) noexcept nogil:
    """Add a step to the tables; the clock is still before it."""
    cdef Py_ssize_t at = m.clock - m.base
    m.idle |= one.left != 1 or one.threshold != 0 or m.averaging >= 0
    m.shrunk[at + 1] = m.shrunk[at] * one.left
    m.pulled[at + 1] = m.pulled[at] + one.threshold / m.shrunk[at + 1]
    if m.averaging >= 0:
        m.kept[at + 1] = m.kept[at] * (1 - one.weight)
        m.taken[at + 1] = m.taken[at] + one.weight * m.shrunk[at + 1] / m.kept[at + 1]


cdef void idle_feature(
    SparseLoop m, real *tag, Py_ssize_t feature, double left, double threshold, double keep,
    double take,
) noexcept nogil:
    cdef Py_ssize_t offset = feature * m.outputs
    cdef real *p = <real*>m.coef + offset
    cdef real *average = NULL
    if m.averaging >= 0:
        average = <real*>m.coef_segment.state[m.averaging] + offset
    if real is float:
        fastlr_sparse_idle_f32(p, average, m.outputs, left, threshold, keep, take)
    else:
        fastlr_sparse_idle_f64(p, average, m.outputs, left, threshold, keep, take)


cdef inline void catch_up(SparseLoop m, real *tag, Py_ssize_t feature) noexcept nogil:
    """Let a feature see the steps that it has missed."""
    cdef Py_ssize_t now = m.clock - m.base, then
    cdef double left, threshold, keep = 1, take = 0
    if not m.idle:
        return
    then = max(m.last[feature] - m.base, 0)
    if then >= now:
        return
    left = m.shrunk[now] / m.shrunk[then]
    threshold = m.shrunk[now] * (m.pulled[now] - m.pulled[then])
    if m.averaging >= 0:
        keep = m.kept[now] / m.kept[then]
        take = m.kept[now] * (m.taken[now] - m.taken[then]) / m.shrunk[then]
    idle_feature(m, tag, feature, left, threshold, keep, take)
    m.last[feature] = m.clock


cdef void catch_up_all(SparseLoop m, real *tag) noexcept nogil:
    cdef Py_ssize_t feature
    if m.room == 0:
        return
    if m.idle:
        for feature in range(m.features):
            catch_up(m, tag, feature)
    begin_tables(m)


cdef void step_alone(SparseLoop m, real *tag, Idle one) noexcept nogil:
    """Let every feature see this step, but for those that it touches."""
    cdef Py_ssize_t feature
    cdef int32_t i
    for i in range(m.batch.count):
        m.last[m.batch.feature[i]] = m.clock + 1
    for feature in range(m.features):
        if m.last[feature] <= m.clock:
            catch_up(m, tag, feature)
            idle_feature(
                m, tag, feature, one.left, one.threshold, 1 - one.weight,
                one.weight * one.left)
