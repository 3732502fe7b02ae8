/* The first layer on sparse rows, without the products with zeros; included once for each REAL. */

/* A value of a row as it enters the layer: scaled, and dropped or not. */
static inline REAL NAME(sparse_value)(const fastlr_network *net, ptrdiff_t k, ptrdiff_t column,
                                      uint64_t key)
{
    REAL value = ((const REAL *)net->data.x)[k];
    if (net->inverse) value *= ((const REAL *)net->inverse)[column];
    if (net->training && net->input_threshold)
        value *= fastlr_number(key, (uint32_t)column) < net->input_threshold
            ? 0
            : (REAL)net->input_kept;
    return value;
}

/* z = sum of the rows of the weights that belong to what a row stores. */
static void NAME(sparse_forward)(const fastlr_network *net, ptrdiff_t first, ptrdiff_t last)
{
    const fastlr_layer *layer = net->layers;
    const ptrdiff_t n = layer->outputs;
    const uint64_t key = fastlr_layer_key(net, 0);
    for (ptrdiff_t r = first; r < last; r++) {
        const ptrdiff_t row = fastlr_row(net, r), stop = fastlr_index(net, net->indptr, row + 1);
        const uint64_t own = fastlr_mix(key + (uint64_t)(net->in_batch + r));
        REAL *RESTRICT z = (REAL *)layer->value + r * layer->ld;
        memset(z, 0, (size_t)n * sizeof *z);
        for (ptrdiff_t k = fastlr_index(net, net->indptr, row); k < stop; k++) {
            const ptrdiff_t column = fastlr_index(net, net->indices, k);
            const REAL value = NAME(sparse_value)(net, k, column, own);
            const REAL *RESTRICT w = (const REAL *)layer->weight + column * n;
            for (ptrdiff_t j = 0; j < n; j++) z[j] += value * w[j];
        }
    }
}

/* Gradient of the weights that lead to outputs `first` to `last`: a share has columns, so that
   rows are added up in one order. */
static void NAME(sparse_gradient)(const fastlr_network *net, ptrdiff_t first, ptrdiff_t last,
                                  int add)
{
    const fastlr_layer *layer = net->layers;
    const ptrdiff_t n = layer->outputs, width = last - first;
    const uint64_t key = fastlr_layer_key(net, 0);
    REAL *grad = (REAL *)layer->grad_weight + first;
    if (width <= 0) return;
    if (!add)
        for (ptrdiff_t i = 0; i < layer->inputs; i++)
            memset(grad + i * n, 0, (size_t)width * sizeof *grad);
    for (ptrdiff_t r = 0; r < net->rows; r++) {
        const ptrdiff_t row = fastlr_row(net, r), stop = fastlr_index(net, net->indptr, row + 1);
        const uint64_t own = fastlr_mix(key + (uint64_t)(net->in_batch + r));
        const REAL *RESTRICT delta = (const REAL *)layer->delta + r * layer->ld + first;
        for (ptrdiff_t k = fastlr_index(net, net->indptr, row); k < stop; k++) {
            const ptrdiff_t column = fastlr_index(net, net->indices, k);
            const REAL value = NAME(sparse_value)(net, k, column, own);
            REAL *RESTRICT g = grad + column * n;
            for (ptrdiff_t j = 0; j < width; j++) g[j] += value * delta[j];
        }
    }
}
