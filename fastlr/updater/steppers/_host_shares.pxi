# The work of one thread in a step: norms, sums, updates. Each takes its own share of the plan.

cdef void norm_share(void *context, int share) noexcept nogil:
    """Sum the squares of every shares-th block into `partial`."""
    cdef Plan *plan = <Plan*>context
    cdef Py_ssize_t i, start, count, block = 0
    for i in range(plan.n_segments):
        start = 0
        while start < plan.segments[i].n:
            if block % plan.shares == share:
                count = min(NORM_BLOCK, plan.segments[i].n - start)
                plan.partial[block] = (<sumsq_t><void*>plan.sumsq)(
                    plan.segments[i].g + start * plan.itemsize, count)
            block += 1
            start += NORM_BLOCK


cdef void measure_share(void *context, int share) noexcept nogil:
    """Sum over the elements of every shares-th block into the partial sums."""
    cdef Plan *plan = <Plan*>context
    cdef Sums *sums = &plan.sums
    cdef Py_ssize_t i, j, k, start, offset, block = 0
    cdef Segment *s
    cdef void *state[12]
    cdef double lanes[16 * MOST_SUMS]
    cdef double total
    for i in range(plan.n_segments):
        s = &plan.segments[i]
        start = 0
        while start < s.n:
            if block % plan.shares == share:
                offset = start * plan.itemsize
                for k in range(plan.n_state):
                    state[k] = s.state[k] + offset
                (<measure_t><void*>sums.measure)(
                    lanes, s.p + offset, s.g + offset, state,
                    plan.own_rows + i * plan.width * plan.itemsize, min(NORM_BLOCK, s.n - start))
                for k in range(sums.count):
                    total = 0
                    for j in range(16):
                        total += lanes[16 * k + j]
                    sums.partial[block * sums.count + k] = total
            block += 1
            start += NORM_BLOCK


cdef inline char *row_of(Plan *plan, Py_ssize_t segment) noexcept nogil:
    """Return the coefficients of an array at this step."""
    cdef Py_ssize_t at
    if plan.own_rows != NULL:
        return plan.own_rows + segment * plan.width * plan.itemsize
    at = plan.cursor * plan.n_groups + plan.segments[segment].group
    return plan.rows + at * plan.width * plan.itemsize


cdef void kernel_share(void *context, int share) noexcept nogil:
    """Update the elements of one share."""
    cdef Plan *plan = <Plan*>context
    cdef Py_ssize_t i, k, offset
    cdef Segment *s
    cdef void *state[12]
    for i in range(plan.first_piece[share], plan.first_piece[share + 1]):
        s = &plan.segments[plan.pieces[i].segment]
        offset = plan.pieces[i].start * plan.itemsize
        for k in range(plan.n_state):
            state[k] = s.state[k] + offset
        (<kernel_t><void*>plan.kernel)(
            s.p + offset, s.g + offset, state, row_of(plan, plan.pieces[i].segment),
            plan.pieces[i].count)


cdef void turn_share(void *context, int share) noexcept nogil:
    """Update the elements of one share, a few at a time, each time with all that goes with it."""
    cdef Plan *plan = <Plan*>context
    cdef Finish *finish = &plan.finish
    cdef Py_ssize_t i, k, at, stop, count, offset
    cdef Segment *s
    cdef void *state[12]
    cdef char *row
    cdef double *moves = NULL
    cdef double before[TURN]
    cdef bint due
    for i in range(plan.first_piece[share], plan.first_piece[share + 1]):
        s = &plan.segments[plan.pieces[i].segment]
        row = row_of(plan, plan.pieces[i].segment)
        due = finish.always
        if finish.kernel == 0:
            pass
        elif plan.itemsize == 4:
            due |= (<float*>row)[L1] != 0 or (<float*>row)[LOOK] != 0
        else:
            due |= (<double*>row)[L1] != 0 or (<double*>row)[LOOK] != 0
        plan.pieces[i].kept = 0
        at, stop = plan.pieces[i].start, plan.pieces[i].start + plan.pieces[i].count
        while at < stop:
            count = min(TURN, stop - at)
            offset = at * plan.itemsize
            for k in range(plan.n_state):
                state[k] = s.state[k] + offset
            if finish.cautious:
                memcpy(state[finish.first], s.p + offset, count * plan.itemsize)
            if plan.measuring:
                moves = plan.moves + 2 * (s.first_turn + at // TURN)
                memcpy(<void*>before, s.p + offset, count * plan.itemsize)
            (<kernel_t><void*>plan.kernel)(s.p + offset, s.g + offset, state, row, count)
            if finish.cautious:
                plan.pieces[i].kept += (<count_t><void*>finish.count)(
                    s.p + offset, s.g + offset, state + finish.first, row, count)
            elif due:
                (<kernel_t><void*>finish.kernel)(
                    s.p + offset, s.g + offset, state + finish.first, row, count)
            if plan.measuring:
                moves[0] = (<sumsq_t><void*>plan.sumsq)(before, count)
            if plan.measuring and not finish.cautious:  # the mask has yet to change the moves
                moves[1] = (<moved_t><void*>plan.moved)(before, s.p + offset, count)
            at += count


cdef void caution_share(void *context, int share) noexcept nogil:
    """Finish the elements of one share, now that it is known how many moves are kept."""
    cdef Plan *plan = <Plan*>context
    cdef Py_ssize_t i, k, offset
    cdef Segment *s
    cdef void *state[12]
    cdef Py_ssize_t at, count
    for i in range(plan.first_piece[share], plan.first_piece[share + 1]):
        s = &plan.segments[plan.pieces[i].segment]
        offset = plan.pieces[i].start * plan.itemsize
        for k in range(plan.finish.first, plan.n_state):
            state[k - plan.finish.first] = s.state[k] + offset
        (<kernel_t><void*>plan.finish.kernel)(
            s.p + offset, s.g + offset, state, row_of(plan, plan.pieces[i].segment),
            plan.pieces[i].count)
        if not plan.measuring:
            continue
        at = 0
        while at < plan.pieces[i].count:
            count = min(TURN, plan.pieces[i].count - at)
            offset = (plan.pieces[i].start + at) * plan.itemsize
            plan.moves[2 * (s.first_turn + (plan.pieces[i].start + at) // TURN) + 1] = (
                <moved_t><void*>plan.moved)(
                    s.state[plan.finish.first] + offset, s.p + offset, count)
            at += count
