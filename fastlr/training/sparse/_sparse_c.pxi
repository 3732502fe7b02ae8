# What _sparse.h declares.

cdef extern from "_sparse.h" nogil:
    enum: SPARSE_BYTES
    enum: SPARSE_VECTORS
    void SPARSE_PREFETCH(const void*)
    void fastlr_sparse_forward_few_f32(const_f32*, const int32_t*, const Py_ssize_t*, Py_ssize_t,
                                       const float*, Py_ssize_t, float*)
    void fastlr_sparse_forward_few_f64(const_f64*, const int32_t*, const Py_ssize_t*, Py_ssize_t,
                                       const double*, Py_ssize_t, double*)
    void fastlr_sparse_backward_few_f32(const_f32*, const int32_t*, const Py_ssize_t*, Py_ssize_t,
                                        const float*, Py_ssize_t, float*)
    void fastlr_sparse_backward_few_f64(const_f64*, const int32_t*, const Py_ssize_t*, Py_ssize_t,
                                        const double*, Py_ssize_t, double*)
    void fastlr_sparse_forward_f32(const_f32*, const int32_t*, const Py_ssize_t*, Py_ssize_t,
                                   const float*, Py_ssize_t, float*, Py_ssize_t)
    void fastlr_sparse_forward_f64(const_f64*, const int32_t*, const Py_ssize_t*, Py_ssize_t,
                                   const double*, Py_ssize_t, double*, Py_ssize_t)
    void fastlr_sparse_backward_f32(const float*, const int32_t*, const int32_t*, Py_ssize_t,
                                    Py_ssize_t, const float*, Py_ssize_t, const int32_t*,
                                    const char*, float*, double*)
    void fastlr_sparse_backward_f64(const double*, const int32_t*, const int32_t*, Py_ssize_t,
                                    Py_ssize_t, const double*, Py_ssize_t, const int32_t*,
                                    const char*, double*, double*)
    void fastlr_sparse_idle_f32(float*, float*, Py_ssize_t, double, double, double, double)
    void fastlr_sparse_idle_f64(double*, double*, Py_ssize_t, double, double, double, double)
    void fastlr_sparse_aside_f32(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void fastlr_sparse_aside_f64(const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
    void fastlr_sparse_back_f32(const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, float*)
    void fastlr_sparse_back_f64(const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, double*)
