# What _mlp.h declares.

cdef extern from "_mlp.h" nogil:
    enum: FASTLR_CHUNK
    ctypedef struct fastlr_layer:
        int activation, trained
        uint32_t threshold
        double kept
        Py_ssize_t inputs, outputs, ld
        char *weight
        char *bias
        char *grad_weight
        char *grad_bias
        char *forward
        char *backward
        char *value
        char *slope
        char *delta
        char *panels
    ctypedef struct fastlr_network:
        int itemsize, shares, training, with_loss
        Py_ssize_t n_layers, lowest
        fastlr_layer *layers
        fastlr_data data
        Py_ssize_t features
        const void *indptr
        const void *indices
        int wide
        const void *mean
        const void *inverse
        uint32_t input_threshold
        double input_kept
        char *gathered
        Py_ssize_t gathered_ld
        fastlr_loss loss
        char *scratch
        Py_ssize_t scratch_size
        double *losses
        Py_ssize_t start, rows, in_batch, batch_rows
        uint64_t seed, step
    void fastlr_pack_share(void *context, int share)
    void fastlr_rows_share(void *context, int share)
    void fastlr_gradients_share(void *context, int share)
    void fastlr_take_outputs(const fastlr_network *net, char *out)
    bint fastlr_sound(const fastlr_network *net, Py_ssize_t rows, Py_ssize_t stored)
    Py_ssize_t fastlr_padded(int itemsize, Py_ssize_t columns)
    void fastlr_activate(int itemsize, int kind, void *z, void *slope, Py_ssize_t n)
