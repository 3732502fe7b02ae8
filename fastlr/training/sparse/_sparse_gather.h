/* Numbers for the features of a block; included once for each REAL and each width of indices.

   Whether a feature is new is a toss: no branch (nor words that compilers make one of), but writes
   of what is there already, or that are void if it is not. */

#define NAME_I(x) NAME(JOIN(x, WIDTH))

/* Few outputs: number the entries' features by their place in the mini-batch; gather parameters of
   those that are new. */
static void NAME_I(gather_few)(fastlr_sparse *m, const fastlr_data *data)
{
    fastlr_block *b = &m->block;
    const REAL *coef = (const REAL *)m->coef, *inverse = (const REAL *)m->inverse;
    const INDEX *indices = (const INDEX *)m->matrix.indices;
    REAL *scaled = (REAL *)b->scaled, *g = (REAL *)m->batch.g, *p = (REAL *)m->batch.p;
    int32_t *in_batch = m->in_batch, *features = m->batch.feature, *ids = b->ids;
    const int32_t base = m->batch_base, before = m->batch.count;
    const ptrdiff_t outputs = m->outputs;
    int32_t count = before;
    ptrdiff_t n = 0;
    for (ptrdiff_t i = b->start; i < b->stop; i++) {
        const ptrdiff_t r = i - b->start, length = b->starts[r + 1] - b->starts[r];
        const ptrdiff_t first = fastlr_start_of(&m->matrix, fastlr_row_at(data, i));
        const REAL *x = (const REAL *)b->x[r];
        for (ptrdiff_t j = first; j < first + length; j++) {
            const int32_t feature = (int32_t)indices[j];
            int32_t at = in_batch[feature] - base;
            const int32_t fresh = at >> 31; /* all ones if it is new */
            at ^= (at ^ count) & fresh;
            count -= fresh;
            in_batch[feature] = base + at;
            features[at] = feature;
            ids[n] = at;
            if (inverse) scaled[n] = x[j - first] * inverse[feature];
            n++;
        }
        if (inverse) b->x[r] = (const char *)(scaled + b->starts[r]);
    }
    m->batch.count = count;
    for (int32_t at = before; at < count; at++) {
        if (at + FASTLR_AHEAD < count) PREFETCH(coef + features[at + FASTLR_AHEAD] * outputs);
        if (!m->dense) NAME(catch_up)(m, features[at]);
        for (ptrdiff_t k = 0; k < outputs; k++) {
            p[at * outputs + k] = coef[features[at] * outputs + k];
            g[at * outputs + k] = 0;
        }
    }
}

/* Many outputs: sort the entries by feature. `alone`: the block is all of the mini-batch. */
static void NAME_I(sort_many)(fastlr_sparse *m, const fastlr_data *data, int alone)
{
    fastlr_block *b = &m->block;
    const INDEX *indices = (const INDEX *)m->matrix.indices;
    const REAL *inverse = (const REAL *)m->inverse;
    REAL *value = (REAL *)b->value, *scaled = (REAL *)b->scaled;
    int32_t *in_block = m->in_block, *place = b->place, *begin = b->begin;
    int32_t *features = b->features, *ids = b->ids, *row = b->row;
    const int32_t base = m->block_base;
    const ptrdiff_t size = m->outputs * m->itemsize, rows = b->stop - b->start;
    int32_t count = 0, e = 0;
    ptrdiff_t n = 0;
    for (ptrdiff_t i = b->start; i < b->stop; i++) {
        const ptrdiff_t r = i - b->start, length = b->starts[r + 1] - b->starts[r];
        const ptrdiff_t first = fastlr_start_of(&m->matrix, fastlr_row_at(data, i));
        const REAL *x = (const REAL *)b->x[r];
        for (ptrdiff_t j = first; j < first + length; j++) {
            const int32_t feature = (int32_t)indices[j];
            int32_t at = in_block[feature] - base;
            place[count] = feature; /* for now */
            begin[count + 1] = 0;
            const int32_t fresh = at >> 31; /* all ones if it is new */
            at ^= (at ^ count) & fresh;
            count -= fresh;
            in_block[feature] = base + at;
            begin[at + 1]++;
            features[n] = at;
            ids[n] = feature;
            if (inverse) scaled[n] = x[j - first] * inverse[feature];
            n++;
        }
        if (inverse) b->x[r] = (const char *)(scaled + b->starts[r]);
    }
    b->count = count;
    for (int32_t at = 0; at < count; at++) {
        if (m->idle && at + FASTLR_AHEAD < count)
            fastlr_fetch(m->coef + place[at + FASTLR_AHEAD] * size, size);
        const int32_t feature = place[at], entries = begin[at + 1];
        if (alone) {
            m->batch.feature[at] = feature;
            place[at] = at;
            b->fresh[at] = 1;
            if (!m->dense) NAME(catch_up)(m, feature);
        } else
            place[at] = NAME(place_of)(m, feature, b->fresh + at);
        begin[at + 1] = e;
        e += entries;
    }
    begin[0] = 0;
    if (alone) m->batch.count = count;
    n = 0;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const REAL *x = (const REAL *)b->x[i];
        for (ptrdiff_t j = 0; j < b->starts[i + 1] - b->starts[i]; j++, n++) {
            const int32_t at = features[n] + 1;
            const int32_t to = begin[at]++;
            row[to] = (int32_t)i;
            value[to] = x[j];
        }
    }
}

#undef NAME_I
#undef INDEX
#undef WIDTH
