/* The passes of one block of rows, each divided into shares; included once for each REAL.

   pack       copy the weights into panels, once in a step
   rows       forward, loss, and backward to the lowest layer that is trained: a row needs no
              other row, so a share does all of it alone
   gradients  products of a layer's inputs and deltas, divided by inputs */

#define AT(pointer) ((REAL *)(pointer))

static void NAME(pack_share)(fastlr_network *net, int share)
{
    ptrdiff_t first, last;
    for (ptrdiff_t l = 0; l < net->n_layers; l++) {
        fastlr_layer *layer = net->layers + l;
        const ptrdiff_t in = layer->inputs, out = layer->outputs;
        fastlr_share_of(NAME(fastlr_padded)(out) / PANEL, 1, share, net->shares, &first, &last);
        if (l > 0 || !net->indptr)
            NAME(pack)(AT(layer->weight), out, in, out, AT(layer->forward), first, last);
        if (net->training && layer->backward) {
            fastlr_share_of(NAME(fastlr_padded)(in) / PANEL, 1, share, net->shares, &first, &last);
            NAME(pack_transposed)(AT(layer->weight), out, out, in, AT(layer->backward), first,
                                  last);
        }
    }
}

/* Whether rows are copied before they enter the first layer. */
static int NAME(gathers)(const fastlr_network *net)
{
    return net->data.order || net->inverse || (net->training && net->input_threshold);
}

/* Rows of the block from `first` to `last` as they enter the first layer; where they lie. */
static const REAL *NAME(inputs)(fastlr_network *net, ptrdiff_t first, ptrdiff_t last,
                                ptrdiff_t *ld, REAL *RESTRICT mask)
{
    const REAL *x = (const REAL *)net->data.x;
    const ptrdiff_t n = net->features;
    const REAL *RESTRICT mean = (const REAL *)net->mean;
    const REAL *RESTRICT inverse = (const REAL *)net->inverse;
    if (!NAME(gathers)(net)) {
        *ld = n;
        return x + net->start * n;
    }
    const uint64_t key = fastlr_layer_key(net, 0);
    *ld = net->gathered_ld;
    for (ptrdiff_t r = first; r < last; r++) {
        const REAL *RESTRICT from = x + fastlr_row(net, r) * n;
        REAL *RESTRICT to = AT(net->gathered) + r * *ld;
        if (inverse)
            for (ptrdiff_t j = 0; j < n; j++) to[j] = (from[j] - mean[j]) * inverse[j];
        else
            memcpy(to, from, (size_t)n * sizeof *to);
        if (net->training && net->input_threshold) {
            NAME(fastlr_drop)(fastlr_mix(key + (uint64_t)(net->in_batch + r)),
                              net->input_threshold, (REAL)net->input_kept, mask, n);
            for (ptrdiff_t j = 0; j < n; j++) to[j] *= mask[j];
        }
    }
    return AT(net->gathered);
}

/* Bias, activation and dropout on products. */
static void NAME(finish_layer)(fastlr_network *net, ptrdiff_t l, ptrdiff_t first, ptrdiff_t last,
                               REAL *mask)
{
    const fastlr_layer *layer = net->layers + l;
    const ptrdiff_t n = layer->outputs;
    const REAL *bias = AT(layer->bias);
    const int drops = net->training && layer->threshold;
    const uint64_t key = fastlr_layer_key(net, l + 1);
    for (ptrdiff_t r = first; r < last; r++) {
        REAL *RESTRICT z = AT(layer->value) + r * layer->ld;
        for (ptrdiff_t j = 0; j < n; j++) z[j] += bias[j];
        if (l == net->n_layers - 1) continue; /* what follows the outputs is part of the loss */
        REAL *RESTRICT slope = AT(layer->slope) + r * layer->ld;
        NAME(fastlr_activate)(layer->activation, z, slope, n);
        if (drops) {
            NAME(fastlr_drop)(fastlr_mix(key + (uint64_t)(net->in_batch + r)), layer->threshold,
                              (REAL)layer->kept, mask, n);
            for (ptrdiff_t j = 0; j < n; j++) z[j] *= mask[j];
            for (ptrdiff_t j = 0; j < n; j++) slope[j] *= mask[j];
        }
    }
}

/* Loss of a chunk of rows; leaves its gradient in the delta of the last layer. */
static double NAME(chunk_loss)(const fastlr_network *net, ptrdiff_t first, ptrdiff_t count,
                               REAL *z)
{
    const fastlr_layer *layer = net->layers + net->n_layers - 1;
    const ptrdiff_t n = layer->outputs, ld = layer->ld;
    const REAL *value = AT(layer->value) + first * ld;
    REAL *delta = AT(layer->delta) + first * ld;
    for (ptrdiff_t r = 0; r < count; r++)
        for (ptrdiff_t k = 0; k < n; k++) z[k * FASTLR_CHUNK + r] = value[r * ld + k];
    const double loss =
        NAME(fastlr_block_loss)(&net->loss, &net->data, net->start + first, count, z, FASTLR_CHUNK,
                                n, NULL, 1.0 / (double)net->batch_rows);
    for (ptrdiff_t r = 0; r < count; r++)
        for (ptrdiff_t k = 0; k < n; k++) delta[r * ld + k] = z[k * FASTLR_CHUNK + r];
    return loss;
}

static void NAME(rows_share)(fastlr_network *net, int share)
{
    ptrdiff_t first, last, ld, lda = 0;
    REAL *scratch = AT(net->scratch + share * net->scratch_size);
    fastlr_share_of(net->rows, FASTLR_CHUNK, share, net->shares, &first, &last);
    const ptrdiff_t rows = last - first;
    if (rows <= 0) return;
    const REAL *a = net->indptr ? NULL : NAME(inputs)(net, first, last, &lda, scratch);
    for (ptrdiff_t l = 0; l < net->n_layers; l++) {
        fastlr_layer *layer = net->layers + l;
        ld = layer->ld;
        if (l == 0 && net->indptr)
            NAME(sparse_forward)(net, first, last);
        else
            NAME(product)(a + first * lda, lda, 1, AT(layer->forward), layer->inputs,
                          AT(layer->value) + first * ld, ld, rows,
                          NAME(fastlr_padded)(layer->outputs), 0, NULL);
        NAME(finish_layer)(net, l, first, last, scratch);
        a = AT(layer->value);
        lda = ld;
    }
    if (!net->with_loss) return;
    for (ptrdiff_t r = first; r < last; r += FASTLR_CHUNK)
        net->losses[r / FASTLR_CHUNK] = NAME(chunk_loss)(
            net, r, last - r < FASTLR_CHUNK ? last - r : FASTLR_CHUNK, scratch);
    if (!net->training) return;
    for (ptrdiff_t l = net->n_layers - 1; l >= net->lowest; l--) {
        fastlr_layer *layer = net->layers + l;
        const REAL *delta = AT(layer->delta);
        ld = layer->ld;
        if (layer->panels)
            for (ptrdiff_t r = first; r < last; r++)
                for (ptrdiff_t j = 0; j < layer->outputs; j += PANEL)
                    memcpy(AT(layer->panels) + j * net->rows + r * PANEL, delta + r * ld + j,
                           PANEL * sizeof(REAL));
        if (l == net->lowest) break;
        fastlr_layer *below = layer - 1;
        NAME(product)(delta + first * ld, ld, 1, AT(layer->backward), layer->outputs,
                      AT(below->delta) + first * below->ld, below->ld, rows,
                      NAME(fastlr_padded)(layer->inputs), 0, NULL);
        for (ptrdiff_t r = first; r < last; r++) {
            REAL *RESTRICT d = AT(below->delta) + r * below->ld;
            const REAL *RESTRICT slope = AT(below->slope) + r * below->ld;
            for (ptrdiff_t j = 0; j < below->outputs; j++) d[j] *= slope[j];
        }
    }
}

static void NAME(gradients_share)(fastlr_network *net, int share)
{
    ptrdiff_t first, last;
    const int add = net->in_batch > 0;
    fastlr_ahead ahead = {net->data.x, net->data.order, 0, 0, 0, net->features * (ptrdiff_t)sizeof(REAL)};
    fastlr_share_of(net->rows, 1, share, net->shares, &ahead.row, &ahead.stop);
    ahead.row += net->start + net->rows;
    ahead.stop += net->start + net->rows;
    if (ahead.stop > net->data.used) ahead.stop = net->data.used;
    for (ptrdiff_t l = net->lowest; l < net->n_layers; l++) {
        fastlr_layer *layer = net->layers + l;
        if (!layer->trained) continue;
        if (share == l % net->shares)
            NAME(sum_panels)(AT(layer->panels), net->rows, layer->outputs, AT(layer->grad_bias),
                             add);
        if (l == 0 && net->indptr) {
            fastlr_share_of(layer->outputs, LANES, share, net->shares, &first, &last);
            NAME(sparse_gradient)(net, first, last, add);
            continue;
        }
        const REAL *a;
        ptrdiff_t lda;
        if (l > 0) {
            a = AT(layer[-1].value);
            lda = layer[-1].ld;
        } else if (NAME(gathers)(net)) {
            a = AT(net->gathered);
            lda = net->gathered_ld;
        } else {
            a = (const REAL *)net->data.x + net->start * net->features;
            lda = net->features;
        }
        fastlr_share_of(layer->inputs, TILE_ROWS, share, net->shares, &first, &last);
        if (last > first)
            NAME(product)(a + first, 1, lda, AT(layer->panels), net->rows,
                          AT(layer->grad_weight) + first * layer->outputs, layer->outputs,
                          last - first, layer->outputs, add, l == 0 && net->data.order ? &ahead : NULL);
    }
}

/* Copy the outputs of the block out. */
static void NAME(take_outputs)(const fastlr_network *net, REAL *out)
{
    const fastlr_layer *layer = net->layers + net->n_layers - 1;
    for (ptrdiff_t r = 0; r < net->rows; r++)
        memcpy(out + (net->start + r) * layer->outputs, AT(layer->value) + r * layer->ld,
               (size_t)layer->outputs * sizeof *out);
}

#undef AT
#undef PANEL
#undef TILE_ROWS
#undef DEPTH
#undef BAND
