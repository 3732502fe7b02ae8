# What _linear.h declares.

cdef extern from "_linear.h" nogil:
    enum: FASTLR_VECTORS
    enum: FASTLR_BLAS_ROWS
    ctypedef struct fastlr_linear:
        int itemsize
        fastlr_loss loss
        Py_ssize_t outputs, features, ld, memory, held
        char *coef
        char *grad_coef
        char *intercept
        char *grad_intercept
        char *w
        char *b
        char *folded
        char *mean
        char *inverse
        char *side
        char *mean_grad
        char *z
        char *gathered
        double l1
        size_t gemm
    double fastlr_linear_batch(
        const fastlr_linear *m, const fastlr_data *data, Py_ssize_t start, Py_ssize_t stop, bint learn)
    double fastlr_linear_gradient(
        const fastlr_linear *m, const fastlr_data *data, Py_ssize_t start, Py_ssize_t stop,
        Py_ssize_t step)
    void fastlr_linear_stay(const fastlr_linear *m)
    void fastlr_exponential(int itemsize, const void *x, void *out, Py_ssize_t n)
