# The rows of a block: room for their entries, and numbers for their features.

cdef bint grow(void **buffer, Py_ssize_t count, Py_ssize_t size) noexcept nogil:
    cdef void *made = realloc(buffer[0], max(count, 1) * size)
    if made == NULL:
        return False
    buffer[0] = made
    return True


cdef inline void fetch(const char *start, Py_ssize_t size) noexcept nogil:
    """Bring bytes into the cache."""
    cdef Py_ssize_t at = 0
    while at < size:
        SPARSE_PREFETCH(start + at)
        at += 64
    SPARSE_PREFETCH(start + max(size - 1, 0))


cdef bint cut_block(SparseLoop m, Data *data, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """Take rows for a block and have room for their entries; false if memory ran out."""
    cdef Block *b = &m.block
    cdef Py_ssize_t i = start, row, entries = 0, more, at, size = 8 if m.matrix.wide else 4
    b.start = start
    b.starts[0] = 0
    while i < stop and i - start < m.block_rows:
        row = row_at(data, i)
        at = start_of(&m.matrix, row)
        more = start_of(&m.matrix, row + 1) - at
        if data.weight != NULL and data.weight[row] == 0:
            more = 0  # as if it were not there: what it holds is not met
        if i > start and entries + more > MOST_ENTRIES:
            break
        b.x[i - start] = m.matrix.values + at * m.itemsize
        entries += more
        i += 1
        b.starts[i - start] = entries
    b.stop = i
    # The processor does not foresee where the rows of the next block begin. (In a function of its
    # own a compiler would take this for nothing, and leave it out.)
    for i in range(i, min(i + i - start, data.used) if data.order != NULL else i):
        row = row_at(data, i)
        at = start_of(&m.matrix, row)
        more = start_of(&m.matrix, row + 1) - at
        fetch(<const char*>m.matrix.indices + at * size, min(more * size, MOST_FETCHED))
        fetch(m.matrix.values + at * m.itemsize, min(more * m.itemsize, MOST_FETCHED))
    if entries <= b.room and b.ids != NULL:  # a first block without entries needs them, too
        return True
    b.room = 0
    more = max(entries, <Py_ssize_t>min(2 * entries, MOST_ENTRIES))
    if not grow(<void**>&b.ids, more, sizeof(int32_t)):
        return False
    if m.inverse != NULL and not grow(<void**>&b.scaled, more, m.itemsize):
        return False
    if m.many and not (
        grow(<void**>&b.features, more, sizeof(int32_t))
        and grow(<void**>&b.row, more, sizeof(int32_t))
        and grow(<void**>&b.value, more, m.itemsize)
        and grow(<void**>&b.begin, more + 2, sizeof(int32_t))
        and grow(<void**>&b.place, more, sizeof(int32_t))
        and grow(<void**>&b.fresh, more, 1)
    ):
        return False
    b.room = more
    return True


cdef bint enlarge_batch(SparseLoop m) noexcept nogil:
    """Have room for the features that the block may add; false if memory ran out."""
    cdef Batch *batch = &m.batch
    cdef Py_ssize_t most = min(batch.count + m.block.starts[m.block.stop - m.block.start], m.features)
    cdef int k
    if most <= batch.room and batch.feature != NULL:
        return True
    batch.room = 0
    most = min(most + most // 2, m.features)
    if not (
        grow(<void**>&batch.feature, most, sizeof(int32_t))
        and grow(<void**>&batch.square, most, sizeof(double))
        and grow(<void**>&batch.g, most * m.ld, m.itemsize)
    ):
        return False
    if not m.many:
        if not grow(<void**>&batch.p, most * m.outputs, m.itemsize):
            return False
        for k in range(m.stepper.plan.n_state):
            if not grow(<void**>&batch.state[k], most * m.outputs, m.itemsize):
                return False
    batch.room = most
    return True


cdef inline int32_t place_of(
    SparseLoop m, real *tag, int32_t feature, bint *fresh
) noexcept nogil:
    """Return a feature's place in the mini-batch; let it see what it has missed if it is new."""
    cdef Batch *batch = &m.batch
    cdef int32_t at = m.in_batch[feature] - m.batch_base
    fresh[0] = at < 0
    if at < 0:
        at = batch.count
        batch.count += 1
        m.in_batch[feature] = m.batch_base + at
        batch.feature[at] = feature
        if not m.dense:
            catch_up(m, tag, feature)
    return at


cdef void gather_few(
    SparseLoop m, real *tag, Data *data, index *type_tag
) noexcept nogil:
    """Number the entries' features by their place in the mini-batch; gather new parameters."""
    cdef Block *b = &m.block
    cdef const real *coef = <const real*>m.coef
    cdef const real *inverse = <const real*>m.inverse
    cdef const real *x
    cdef real *scaled = <real*>b.scaled
    cdef real *g = <real*>m.batch.g
    cdef real *p = <real*>m.batch.p
    cdef const index *indices = <const index*>m.matrix.indices
    cdef int32_t *in_batch = m.in_batch
    cdef int32_t *features = m.batch.feature
    cdef int32_t *ids = b.ids
    cdef Py_ssize_t i, j, k, first, n = 0, outputs = m.outputs
    cdef int32_t at, feature, base = m.batch_base, count = m.batch.count, before = count, new
    for i in range(b.start, b.stop):
        first = start_of(&m.matrix, row_at(data, i))
        x = <const real*>b.x[i - b.start]
        for j in range(first, first + b.starts[i - b.start + 1] - b.starts[i - b.start]):
            feature = <int32_t>indices[j]
            # Whether it is new is a toss: no branch (nor words that compilers make one of), but
            # writes of what is there already.
            at = in_batch[feature] - base
            new = at >> 31  # all ones if it is
            at ^= (at ^ count) & new
            count -= new
            in_batch[feature] = base + at
            features[at] = feature
            ids[n] = at
            if inverse != NULL:
                scaled[n] = x[j - first] * inverse[feature]
            n += 1
        if inverse != NULL:
            b.x[i - b.start] = <char*>(scaled + b.starts[i - b.start])
    m.batch.count = count
    for at in range(before, count):
        if at + AHEAD < count:
            SPARSE_PREFETCH(coef + features[at + AHEAD] * outputs)
        if not m.dense:
            catch_up(m, tag, features[at])
        for k in range(outputs):
            p[at * outputs + k] = coef[features[at] * outputs + k]
            g[at * outputs + k] = 0


cdef void sort_many(
    SparseLoop m, real *tag, Data *data, index *type_tag, bint alone
) noexcept nogil:
    """Sort the entries of a block by feature. `alone`: it is all of the mini-batch."""
    cdef Block *b = &m.block
    cdef const index *indices = <const index*>m.matrix.indices
    cdef real *value = <real*>b.value
    cdef const real *inverse = <const real*>m.inverse
    cdef const real *x
    cdef real *scaled = <real*>b.scaled
    cdef Py_ssize_t i, j, first, n = 0
    cdef Py_ssize_t size = m.outputs * m.itemsize
    cdef int32_t at, feature, base = m.block_base, count = 0, e, new
    cdef int32_t *in_block = m.in_block
    cdef int32_t *place = b.place
    cdef int32_t *begin = b.begin
    cdef int32_t *features = b.features
    cdef int32_t *ids = b.ids
    cdef int32_t *row = b.row
    cdef bint fresh
    for i in range(b.start, b.stop):
        first = start_of(&m.matrix, row_at(data, i))
        x = <const real*>b.x[i - b.start]
        for j in range(first, first + b.starts[i - b.start + 1] - b.starts[i - b.start]):
            feature = <int32_t>indices[j]
            # Whether it is new is a toss: no branch (nor words that compilers make one of), but
            # writes that are void if it is not.
            at = in_block[feature] - base
            place[count] = feature  # for now
            begin[count + 1] = 0
            new = at >> 31  # all ones if it is
            at ^= (at ^ count) & new
            count -= new
            in_block[feature] = base + at
            begin[at + 1] += 1
            features[n] = at
            ids[n] = feature
            if inverse != NULL:
                scaled[n] = x[j - first] * inverse[feature]
            n += 1
        if inverse != NULL:
            b.x[i - b.start] = <char*>(scaled + b.starts[i - b.start])
    b.count = count
    e = 0
    for at in range(count):
        if m.idle and at + AHEAD < count:
            fetch(m.coef + b.place[at + AHEAD] * size, size)
        feature = b.place[at]
        if alone:
            m.batch.feature[at] = feature
            b.place[at], b.fresh[at] = at, True
            if not m.dense:
                catch_up(m, tag, feature)
        else:
            b.place[at] = place_of(m, tag, feature, &fresh)
            b.fresh[at] = fresh
        e, b.begin[at + 1] = e + b.begin[at + 1], e
    b.begin[0] = 0
    if alone:
        m.batch.count = count
    n = 0
    for i in range(b.stop - b.start):
        x = <const real*>b.x[i]
        for j in range(b.starts[i + 1] - b.starts[i]):
            at = features[n] + 1
            e = begin[at]
            begin[at] = e + 1
            row[e] = <int32_t>i
            value[e] = x[j]
            n += 1
