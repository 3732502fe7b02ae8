/* A network as the compiled epoch sees it: where everything lies, for either precision. */

#define FASTLR_CHUNK FASTLR_BLOCK /* rows whose losses are computed, and added up, together */
#define FASTLR_LINES 6            /* cache lines to ask for in advance at a time */

typedef struct {
    int activation, trained;
    uint32_t threshold; /* of dropout on its outputs; 0: none */
    double kept;        /* what the outputs that are kept are multiplied with */
    ptrdiff_t inputs, outputs;
    ptrdiff_t ld; /* of the rows of value, slope and delta */
    char *weight, *bias, *grad_weight, *grad_bias;
    char *forward;  /* weight in panels */
    char *backward; /* its transpose in panels, NULL where no gradient passes through */
    char *value, *slope, *delta;
    char *panels; /* delta in panels, NULL where it is not trained */
} fastlr_layer;

typedef struct { /* rows of the data that will be read next */
    const char *x;
    const int64_t *order;
    ptrdiff_t row, stop; /* in the order of training */
    ptrdiff_t at, size;  /* byte within the row, and bytes of a row */
} fastlr_ahead;

typedef struct {
    int itemsize, shares, training, with_loss;
    ptrdiff_t n_layers, lowest; /* the first layer that is trained */
    fastlr_layer *layers;
    fastlr_data data;
    ptrdiff_t features;
    const void *indptr, *indices; /* of sparse rows, whose values are at x; NULL for dense ones */
    int wide;                     /* whether these have 64 bits */
    const void *mean, *inverse; /* features are shifted and multiplied by; the second may be NULL,
                                   for features as they are */
    uint32_t input_threshold;
    double input_kept;
    char *gathered;
    ptrdiff_t gathered_ld;
    fastlr_loss loss;
    char *scratch;      /* of each share */
    ptrdiff_t scratch_size;
    double *losses;     /* of each chunk */
    /* the block of rows at hand */
    ptrdiff_t start, rows;         /* in the order of training */
    ptrdiff_t in_batch, batch_rows; /* position of its first row in the mini-batch, and size of that */
    uint64_t seed, step;           /* what dropout is drawn from */
} fastlr_network;

/* Rows of a share, whole chunks. */
static void fastlr_share_of(ptrdiff_t total, ptrdiff_t unit, int share, int shares,
                            ptrdiff_t *first, ptrdiff_t *last)
{
    const ptrdiff_t units = (total + unit - 1) / unit;
    *first = units * share / shares * unit;
    *last = units * (share + 1) / shares * unit;
    if (*last > total) *last = total;
    if (*first > total) *first = total;
}

static ptrdiff_t fastlr_row(const fastlr_network *net, ptrdiff_t i)
{
    return fastlr_row_at(&net->data, net->start + i);
}

/* What the masks of a layer (0: the inputs) are drawn from, at this step. */
static uint64_t fastlr_layer_key(const fastlr_network *net, ptrdiff_t layer)
{
    return fastlr_mix(fastlr_mix(fastlr_mix(net->seed) + net->step) + (uint64_t)layer);
}

/* An element of `indptr` or `indices`. */
static inline ptrdiff_t fastlr_index(const fastlr_network *net, const void *from, ptrdiff_t i)
{
    return net->wide ? (ptrdiff_t)((const int64_t *)from)[i] : (ptrdiff_t)((const int32_t *)from)[i];
}

/* Whether row starts do not fall, and what is stored lies within the features. */
static int fastlr_sound(const fastlr_network *net, ptrdiff_t rows, ptrdiff_t stored)
{
    const ptrdiff_t first = fastlr_index(net, net->indptr, 0);
    const ptrdiff_t last = fastlr_index(net, net->indptr, rows);
    if (first < 0 || last > stored) return 0;
    for (ptrdiff_t r = 0; r < rows; r++)
        if (fastlr_index(net, net->indptr, r) > fastlr_index(net, net->indptr, r + 1)) return 0;
    for (ptrdiff_t k = first; k < last; k++)
        if (fastlr_index(net, net->indices, k) < 0 ||
            fastlr_index(net, net->indices, k) >= net->features)
            return 0;
    return 1;
}
