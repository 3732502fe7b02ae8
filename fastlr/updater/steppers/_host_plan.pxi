# Parts of a plan that are laid out once, when arrays are bound.

cdef Py_ssize_t lay_out(
    Plan *plan, list params, list states, list group_ids, str clip_scope, bint measure_updates
) except -1:
    """Note where arrays lie, and make room for what is summed over them; return the blocks."""
    cdef Py_ssize_t i, k, blocks = 0, turns = 0
    cdef Segment *segment
    plan.segments = <Segment*>calloc(plan.n_segments, sizeof(Segment))
    if plan.segments == NULL:
        raise MemoryError
    for i in range(plan.n_segments):
        segment = &plan.segments[i]
        segment.p = <char*>cnp.PyArray_DATA(params[i])
        segment.n = cnp.PyArray_SIZE(params[i])
        segment.group = group_ids[i]
        if clip_scope != "global":
            segment.norm = group_ids[i] if clip_scope == "group" else i
        plan.n_norms = max(plan.n_norms, segment.norm + 1)
        for k in range(plan.n_state):
            segment.state[k] = <char*>cnp.PyArray_DATA(states[i][k])
        segment.first_turn = turns
        blocks += (segment.n + NORM_BLOCK - 1) // NORM_BLOCK
        turns += (segment.n + TURN - 1) // TURN
    plan.turns = turns
    plan.partial = <double*>calloc(max(blocks, 1), sizeof(double))
    plan.norms = <double*>calloc(plan.n_norms, sizeof(double))
    if plan.partial == NULL or plan.norms == NULL:
        raise MemoryError
    if measure_updates:
        plan.moves = <double*>calloc(max(2 * turns, 1), sizeof(double))
        if plan.moves == NULL:
            raise MemoryError
    return blocks


cdef int start_sums(Plan *plan, object summing, Py_ssize_t blocks) except -1:
    """Prepare for a rule that sums over elements before its update."""
    cdef Sums *sums = &plan.sums
    cdef cnp.ndarray scalars = summing.scalars
    sums.count, sums.shared = summing.kernels.n_sums, summing.shared
    sums.n_scalars, sums.n_derived = cnp.PyArray_DIM(scalars, 1), summing.kernels.n_derived
    if sums.count > MOST_SUMS:
        raise ValueError(f"a rule may have {MOST_SUMS} sums, got {sums.count}")
    sums.scalars = <double*>cnp.PyArray_DATA(scalars)
    sums.partial = <double*>calloc(max(blocks * sums.count, 1), sizeof(double))
    if sums.partial == NULL:
        raise MemoryError
    sums.measure, sums.adapt = summing.kernels.measure, summing.kernels.adapt
    return 0


cdef int cut(Plan *plan, Py_ssize_t total, int n_threads) except -1:
    """Cut the elements into even shares, one for each thread."""
    cdef Py_ssize_t share = (total // n_threads + 63) // 64 * 64
    cdef Py_ssize_t i, start, count, room = share, k = 0
    cdef int taken = 0
    plan.pieces = <Piece*>calloc(plan.n_segments + n_threads, sizeof(Piece))
    plan.first_piece = <Py_ssize_t*>calloc(n_threads + 1, sizeof(Py_ssize_t))
    if plan.pieces == NULL or plan.first_piece == NULL:
        raise MemoryError
    for i in range(plan.n_segments):
        start = 0
        while start < plan.segments[i].n:
            if room == 0 and taken + 1 < n_threads:
                taken += 1
                plan.first_piece[taken] = k
                room = share
            count = plan.segments[i].n - start
            if taken + 1 < n_threads:
                # Shares end where turns do, so that sums over turns do not depend on threads.
                count = min(count, (room + TURN - 1) // TURN * TURN)
            plan.pieces[k].segment, plan.pieces[k].start, plan.pieces[k].count = i, start, count
            k += 1
            start += count
            room = max(room - count, 0)
    plan.shares = taken + 1
    plan.first_piece[plan.shares] = k
    return 0
