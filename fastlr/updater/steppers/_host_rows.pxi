# What happens between the passes of a step: sums are joined, and coefficient rows say what comes
# of them: scales of clipping and caution, scalars, derived values.

cdef void set_scale(Plan *plan, char *row, double norm) noexcept nogil:
    """Write the gradient scale that belongs to a norm into a coefficient row."""
    cdef double bound = plan.clip_norm
    cdef double scale = 1 if norm <= bound else bound / (norm + 1e-6 * min(bound, 1))
    scale *= plan.sign
    if plan.itemsize == 4:
        (<float*>row)[GSCALE] = <float>scale
    else:
        (<double*>row)[GSCALE] = scale


cdef void set_caution(Plan *plan) noexcept nogil:
    """Scale the moves that are kept of each array by how few they are."""
    cdef Py_ssize_t i, k = 0, at, kept
    cdef double scale
    for i in range(plan.n_segments):  # pieces follow each other as the arrays do
        kept = 0
        while k < plan.first_piece[plan.shares] and plan.pieces[k].segment == i:
            kept += plan.pieces[k].kept
            k += 1
        if plan.segments[i].n:
            scale = 1 / max(<double>kept / plan.segments[i].n, 1e-3)
            at = i * plan.width + MASK
            if plan.itemsize == 4:
                (<float*>plan.own_rows)[at] = <float>scale
            else:
                (<double*>plan.own_rows)[at] = scale


cdef void copy_rows(Plan *plan) noexcept nogil:
    """Give each array a coefficient row of its own for this step, with the scalars as they are."""
    cdef Sums *sums = &plan.sums
    cdef Py_ssize_t size = plan.width * plan.itemsize
    cdef Py_ssize_t tail = plan.width - sums.n_scalars - sums.n_derived
    cdef Py_ssize_t i, k, group
    cdef char *row
    cdef double *scalars
    for i in range(plan.n_segments + 1):
        group = plan.segments[i].group if i < plan.n_segments else 0
        row = plan.own_rows + i * size
        memcpy(row, plan.rows + (plan.cursor * plan.n_groups + group) * size, size)
        if plan.clips_arrays and i < plan.n_segments:
            set_scale(plan, row, plan.norms[i])
        if i == plan.n_segments and not sums.shared:
            break
        scalars = sums.scalars + (0 if sums.shared else i * sums.n_scalars)
        for k in range(sums.n_scalars):
            if plan.itemsize == 4:
                (<float*>row)[tail + k] = <float>scalars[k]
            else:
                (<double*>row)[tail + k] = scalars[k]


cdef void adapt(Plan *plan) noexcept nogil:
    """Join the partial sums; renew scalars, and what rows say of scalars and derived values."""
    cdef Sums *sums = &plan.sums
    cdef Py_ssize_t size = plan.width * plan.itemsize
    cdef Py_ssize_t kept = (plan.width - sums.n_scalars - sums.n_derived) * plan.itemsize
    cdef Py_ssize_t i, k, block = 0
    cdef double *exact = sums.exact + plan.cursor * plan.n_groups * plan.width
    cdef double total[MOST_SUMS]
    cdef char *row
    for k in range(sums.count):
        total[k] = 0
    for i in range(plan.n_segments):
        for _ in range((plan.segments[i].n + NORM_BLOCK - 1) // NORM_BLOCK):
            for k in range(sums.count):
                total[k] += sums.partial[block * sums.count + k]
            block += 1
        if not sums.shared:
            (<adapt_t><void*>sums.adapt)(
                total, exact + plan.segments[i].group * plan.width,
                sums.scalars + i * sums.n_scalars, plan.own_rows + i * size)
            for k in range(sums.count):
                total[k] = 0
    if sums.shared:
        row = plan.own_rows + plan.n_segments * size
        (<adapt_t><void*>sums.adapt)(total, exact, sums.scalars, row)
        for i in range(plan.n_segments):
            memcpy(plan.own_rows + i * size + kept, row + kept, size - kept)


cdef Py_ssize_t first_nonfinite(Plan *plan) noexcept nogil:
    """Look at every gradient, -1: the sum may be larger than each of the squares."""
    cdef Py_ssize_t i, j
    cdef double x
    for i in range(plan.n_segments):
        for j in range(plan.segments[i].n):
            x = gradient(plan, i, j)
            if not (x * x <= plan.most and isfinite(x)):
                return i
    return -1


cdef inline double gradient(Plan *plan, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    if plan.itemsize == 4:
        return (<const float*>plan.segments[i].g)[j]
    return (<const double*>plan.segments[i].g)[j]


cdef double large_norm(Plan *plan, Py_ssize_t which) noexcept nogil:
    """Return a norm, that of all for -1, whose squares are too large to add."""
    cdef Py_ssize_t i, j
    cdef double x, most = 0, total = 0
    for i in range(plan.n_segments):
        if which < 0 or plan.segments[i].norm == which:
            for j in range(plan.segments[i].n):
                most = max(most, fabs(gradient(plan, i, j)))
    if most == INFINITY:
        return most
    for i in range(plan.n_segments):
        if which < 0 or plan.segments[i].norm == which:
            for j in range(plan.segments[i].n):
                x = gradient(plan, i, j) / most
                total += x * x
    return most * sqrt(total)


cdef double sum_of_turns(Plan *plan, Py_ssize_t which) noexcept nogil:
    """Join what the turns of a step have measured: 0 parameters, 1 their moves."""
    cdef Py_ssize_t k
    cdef double total = 0
    for k in range(plan.turns):
        total += plan.moves[2 * k + which]
    return total
