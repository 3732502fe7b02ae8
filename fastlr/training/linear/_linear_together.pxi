# Several models over the same mini-batches: rows are gathered once, and each model takes its step
# on them while they are in the cache. What a model comes to is what its own loop would make of it,
# to the bit.

cdef struct Part:
    void *loop              # borrowed
    Py_ssize_t done
    double loss, weight
    bint over               # its loss or gradient was not finite


# Where the rows of a mini-batch are copied to, and the bytes of one.
cdef struct Rows:
    char *x
    char *y
    double *weight
    Py_ssize_t row, target


def run_together(list loops, X, y, sample_weight, order, Py_ssize_t batch_size):
    """Train each for one epoch; return None, and do nothing, if an argument is unfit."""
    cdef fastlr_data data, batch
    cdef Rows rows
    cdef LinearLoop m, first = loops[0]
    cdef Py_ssize_t i, k, n = len(loops), steps, step = 0, chunk, size, start
    cdef Part *parts
    cdef bint left = True
    cdef unsigned int mode
    for m in loops:
        if (m.typenum, m.c.outputs, m.c.features) != (
            first.typenum, first.c.outputs, first.c.features
        ):
            return None
        if has_targets(m) != has_targets(first):
            return None
    if batch_size < 1 or not first.read(X, y, sample_weight, order, &data):
        return None
    size = min(batch_size, data.used)
    room = np.empty(
        size * (row_bytes(first) + target_bytes(first, &data) + sizeof(double)) + 128, np.uint8)
    place(first, &data, &rows, size, cnp.PyArray_BYTES(room))
    steps = (data.used + batch_size - 1) // batch_size
    for m in loops:
        m.stepper.attach(m.arena.grad)
        m.c.held = m.collected if steps >= m.many else 0
    chunk = <Py_ssize_t>(
        WORK_PER_CHUNK / (2.0 * batch_size * first.c.features * first.c.outputs * n + 1.0)
    )
    chunk = min(max(chunk, 1), MOST_STEPS)
    parts = <Part*>calloc(n, sizeof(Part))
    if parts == NULL:
        raise MemoryError
    try:
        for k in range(n):
            parts[k].loop = <void*>loops[k]
        while step < steps and left:
            chunk = min(chunk, steps - step)
            for k in range(n):
                if not parts[k].over:
                    (<LinearLoop>loops[k]).stepper.prepare(chunk)
            with nogil:
                mode = flush_subnormals()
                for i in range(step, step + chunk):
                    start = i * batch_size
                    gather(&data, &rows, &batch, start, min(start + batch_size, data.used))
                    left = False
                    for k in range(n):
                        if not parts[k].over:
                            take_turn(<LinearLoop>parts[k].loop, &parts[k], &batch, i)
                            left = left or not parts[k].over
                    if not left:
                        break
                restore_arithmetic(mode)
            step += chunk
            PyErr_CheckSignals()
        return [
            EpochResult(
                parts[k].loss, parts[k].weight, parts[k].done,
                parts[k].done if parts[k].over else None)
            for k in range(n)
        ]
    finally:
        free(parts)


cdef bint has_targets(LinearLoop m) noexcept:
    return m.c.loss.form == FASTLR_BY_EACH or m.c.loss.form == FASTLR_BY_LABELS


cdef void take_turn(LinearLoop m, Part *part, fastlr_data *rows, Py_ssize_t step) noexcept nogil:
    """Make a step of one model on the rows gathered."""
    part.over = make_step(m, rows, 0, rows.used, step, &part.loss, &part.weight)
    if not part.over:
        part.done += 1


cdef Py_ssize_t row_bytes(LinearLoop m) noexcept:
    return m.c.features * m.c.itemsize


cdef Py_ssize_t target_bytes(LinearLoop m, fastlr_data *data) noexcept:
    """Return what belongs to a row of y."""
    return sizeof(int64_t) if data.codes != NULL else m.c.outputs * m.c.itemsize


cdef void place(LinearLoop m, fastlr_data *data, Rows *rows, Py_ssize_t size, char *room) noexcept:
    """Find a place for the rows of a mini-batch; those in order stay where they are."""
    rows.row, rows.target = row_bytes(m), target_bytes(m, data)
    room += -<Py_ssize_t>room & 63
    rows.weight = <double*>room
    rows.y = room + <Py_ssize_t>(size * sizeof(double))
    rows.x = rows.y + size * rows.target
    rows.x += -<Py_ssize_t>rows.x & 63


cdef void gather(
    fastlr_data *data, Rows *rows, fastlr_data *batch, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil:
    """Point at the rows of a mini-batch, which are copied unless they lie in order."""
    cdef const char *y = data.targets
    cdef Py_ssize_t r, row
    if data.codes != NULL:
        y = <const char*><const void*>data.codes
    batch.order = NULL
    batch.weight = NULL
    batch.used = stop - start
    if data.order == NULL:
        batch.x = data.x + start * rows.row
        y = y + start * rows.target
        if data.weight != NULL:
            batch.weight = data.weight + start
    else:
        for r in range(batch.used):
            row = <Py_ssize_t>data.order[start + r]
            memcpy(rows.x + r * rows.row, data.x + row * rows.row, rows.row)
            memcpy(rows.y + r * rows.target, y + row * rows.target, rows.target)
            if data.weight != NULL:
                rows.weight[r] = data.weight[row]
        batch.x, y = rows.x, rows.y
        if data.weight != NULL:
            batch.weight = rows.weight
    batch.codes = NULL
    batch.targets = NULL
    if data.codes == NULL:
        batch.targets = y
    else:
        batch.codes = <const int64_t*>y
