/* Blocks of rows: where their entries are, and room for them. */

/* Where a row's entries begin, and those of the row before it end. */
static INLINE ptrdiff_t fastlr_start_of(const fastlr_matrix *matrix, ptrdiff_t row)
{
    return matrix->wide_starts ? (ptrdiff_t)((const int64_t *)matrix->starts)[row]
                               : (ptrdiff_t)((const int32_t *)matrix->starts)[row];
}

static INLINE int64_t fastlr_index_at(const fastlr_matrix *matrix, ptrdiff_t i)
{
    return matrix->wide ? ((const int64_t *)matrix->indices)[i]
                        : ((const int32_t *)matrix->indices)[i];
}

/* Whether row starts do not fall, and indices lie within the features. */
static int fastlr_matrix_is_sound(const fastlr_matrix *matrix, ptrdiff_t rows, ptrdiff_t entries,
                                  ptrdiff_t features)
{
    const ptrdiff_t first = fastlr_start_of(matrix, 0), stop = fastlr_start_of(matrix, rows);
    int64_t low = 0, high = -1;
    if (first < 0 || stop > entries) return 0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t length = fastlr_start_of(matrix, i + 1) - fastlr_start_of(matrix, i);
        if (length < 0 || length > INT32_MAX / 2) return 0;
    }
    if (matrix->wide) {
        const int64_t *indices = (const int64_t *)matrix->indices;
        for (ptrdiff_t i = first; i < stop; i++) {
            low = indices[i] < low ? indices[i] : low;
            high = indices[i] > high ? indices[i] : high;
        }
    } else {
        const int32_t *indices = (const int32_t *)matrix->indices;
        int32_t least = 0, most = -1;
        for (ptrdiff_t i = first; i < stop; i++) {
            least = indices[i] < least ? indices[i] : least;
            most = indices[i] > most ? indices[i] : most;
        }
        low = least, high = most;
    }
    return low >= 0 && high < features;
}

/* Have room for `count` elements; false if memory ran out. */
static int fastlr_grow(void *buffer, ptrdiff_t count, ptrdiff_t size)
{
    void *old, *made;
    memcpy(&old, buffer, sizeof old);
    made = realloc(old, (size_t)((count > 1 ? count : 1) * size));
    if (made) memcpy(buffer, &made, sizeof made);
    return made != NULL;
}

/* Bring bytes into the cache. */
static INLINE void fastlr_fetch(const char *start, ptrdiff_t size)
{
    for (ptrdiff_t at = 0; at < size; at += 64) PREFETCH(start + at);
    PREFETCH(start + (size > 1 ? size - 1 : 0));
}

static INLINE ptrdiff_t fastlr_least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* Take rows for a block and have room for their entries; false if memory ran out. */
static int fastlr_cut_block(fastlr_sparse *m, const fastlr_data *data, ptrdiff_t start,
                            ptrdiff_t stop)
{
    fastlr_block *b = &m->block;
    const ptrdiff_t size = m->matrix.wide ? 8 : 4;
    ptrdiff_t i = start, entries = 0, more;
    b->start = start;
    b->starts[0] = 0;
    while (i < stop && i - start < m->block_rows) {
        const ptrdiff_t row = fastlr_row_at(data, i), at = fastlr_start_of(&m->matrix, row);
        more = fastlr_start_of(&m->matrix, row + 1) - at;
        /* A row without weight is as if it were not there: what it holds is not met. */
        if (data->weight && data->weight[row] == 0) more = 0;
        if (i > start && entries + more > FASTLR_MOST_ENTRIES) break;
        b->x[i - start] = m->matrix.values + at * m->itemsize;
        entries += more;
        i++;
        b->starts[i - start] = entries;
    }
    b->stop = i;
    /* The processor does not foresee where the rows of the next block begin. (In a function of its
       own a compiler would take this for nothing, and leave it out.) */
    for (const ptrdiff_t next = data->order ? fastlr_least(2 * i - start, data->used) : i; i < next;
         i++) {
        const ptrdiff_t row = fastlr_row_at(data, i), at = fastlr_start_of(&m->matrix, row);
        more = fastlr_start_of(&m->matrix, row + 1) - at;
        fastlr_fetch(m->matrix.indices + at * size, fastlr_least(more * size, FASTLR_MOST_FETCHED));
        fastlr_fetch(m->matrix.values + at * m->itemsize,
                     fastlr_least(more * m->itemsize, FASTLR_MOST_FETCHED));
    }
    if (entries <= b->room && b->ids) return 1; /* a first block without entries needs them too */
    b->room = 0;
    more = fastlr_least(2 * entries, FASTLR_MOST_ENTRIES);
    if (more < entries) more = entries;
    if (!fastlr_grow(&b->ids, more, sizeof *b->ids)) return 0;
    if (m->inverse && !fastlr_grow(&b->scaled, more, m->itemsize)) return 0;
    if (m->many && !(fastlr_grow(&b->features, more, sizeof *b->features) &&
                     fastlr_grow(&b->row, more, sizeof *b->row) &&
                     fastlr_grow(&b->value, more, m->itemsize) &&
                     fastlr_grow(&b->begin, more + 2, sizeof *b->begin) &&
                     fastlr_grow(&b->place, more, sizeof *b->place) &&
                     fastlr_grow(&b->fresh, more, 1)))
        return 0;
    b->room = more;
    return 1;
}

/* Have room for the features that the block may add; false if memory ran out. */
static int fastlr_enlarge_batch(fastlr_sparse *m)
{
    fastlr_batch *batch = &m->batch;
    ptrdiff_t most = batch->count + m->block.starts[m->block.stop - m->block.start];
    most = fastlr_least(most, m->features);
    if (most <= batch->room && batch->feature) return 1;
    batch->room = 0;
    most = fastlr_least(most + most / 2, m->features);
    if (!(fastlr_grow(&batch->feature, most, sizeof *batch->feature) &&
          fastlr_grow(&batch->square, most, sizeof *batch->square) &&
          fastlr_grow(&batch->g, most * m->ld, m->itemsize)))
        return 0;
    if (m->mean_grad && !fastlr_grow(&batch->side, most * m->outputs, m->itemsize)) return 0;
    if (!m->many) {
        if (!fastlr_grow(&batch->p, most * m->outputs, m->itemsize)) return 0;
        for (int k = 0; k < m->n_state; k++)
            if (!fastlr_grow(&batch->state[k], most * m->outputs, m->itemsize)) return 0;
    }
    batch->room = most;
    return 1;
}

/* Make numbers of features invalid before a mini-batch. */
static void fastlr_renumber(fastlr_sparse *m)
{
    if (m->batch_base > INT32_MAX - m->batch.count - m->features - 1) {
        memset(m->in_batch, 0, (size_t)m->features * sizeof *m->in_batch);
        m->batch_base = 1;
    } else
        m->batch_base += m->batch.count;
    m->batch.count = 0;
}

static void fastlr_free_buffers(fastlr_sparse *m)
{
    fastlr_block *b = &m->block;
    void *all[] = {m->z,      m->aside,  m->last,       m->in_batch,     m->in_block, m->shrunk,
                   m->pulled, m->kept,   m->taken,      b->ids,          b->scaled,   b->features,
                   b->row,    b->value,  b->begin,      b->place,        b->fresh,    m->batch.g,
                   m->batch.p, m->batch.feature, m->batch.square, m->batch.side};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    for (int k = 0; k < FASTLR_MOST_STATES; k++) free(m->batch.state[k]);
}
