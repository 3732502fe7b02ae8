# What _linear.h declares, and the types of BLAS.

ctypedef const float *const_f32
ctypedef const double *const_f64

cdef extern from "_linear.h" nogil:
    enum: FASTLR_BLOCK
    enum: FASTLR_TILE
    enum: FASTLR_TILES
    void fastlr_exponential_f32(const float*, float*, Py_ssize_t)
    void fastlr_exponential_f64(const double*, double*, Py_ssize_t)
    double fastlr_softmax_f32(float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*,
                              const int64_t*, const double*, double)
    double fastlr_softmax_f64(double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*,
                              const int64_t*, const double*, double)
    double fastlr_logistic_f32(float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*,
                               const int64_t*, const double*, double)
    double fastlr_logistic_f64(double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*,
                               const int64_t*, const double*, double)
    ctypedef double (*fastlr_rule_f32)(
        float*, const float*, const float*, const float*, Py_ssize_t) noexcept nogil
    ctypedef double (*fastlr_rule_f64)(
        double*, const double*, const double*, const double*, Py_ssize_t) noexcept nogil
    double fastlr_ovr_f32(float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*,
                          const int64_t*, const double*, double, fastlr_rule_f32, const float*)
    double fastlr_ovr_f64(double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*,
                          const int64_t*, const double*, double, fastlr_rule_f64, const double*)
    double fastlr_rival_f32(float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*,
                            const int64_t*, const double*, double, fastlr_rule_f32, const float*)
    double fastlr_rival_f64(double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*,
                            const int64_t*, const double*, double, fastlr_rule_f64, const double*)
    double fastlr_each_f32(float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*,
                           const_f32*, const double*, double, fastlr_rule_f32, const float*)
    double fastlr_each_f64(double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*,
                           const_f64*, const double*, double, fastlr_rule_f64, const double*)
    void fastlr_row_forward_f32(const float*, const float*, const float*, Py_ssize_t, Py_ssize_t,
                                float*)
    void fastlr_row_forward_f64(const double*, const double*, const double*, Py_ssize_t,
                                Py_ssize_t, double*)
    void fastlr_row_backward_f32(const float*, const float*, Py_ssize_t, Py_ssize_t, float*)
    void fastlr_row_backward_f64(const double*, const double*, Py_ssize_t, Py_ssize_t, double*)
    double fastlr_row_softmax_f32(float*, Py_ssize_t, const float*, int64_t, double)
    double fastlr_row_softmax_f64(double*, Py_ssize_t, const double*, int64_t, double)
    double fastlr_row_logistic_f32(float*, const float*, bint, double)
    double fastlr_row_logistic_f64(double*, const double*, bint, double)
    double fastlr_row_rival_f32(float*, Py_ssize_t, const float*, int64_t, double,
                                fastlr_rule_f32, const float*)
    double fastlr_row_rival_f64(double*, Py_ssize_t, const double*, int64_t, double,
                                fastlr_rule_f64, const double*)
    double fastlr_row_each_f32(float*, Py_ssize_t, const float*, const float*, int64_t, double,
                               fastlr_rule_f32, const float*)
    double fastlr_row_each_f64(double*, Py_ssize_t, const double*, const double*, int64_t, double,
                               fastlr_rule_f64, const double*)
    void fastlr_fold_f32(const float*, const float*, const float*, const float*, Py_ssize_t,
                         Py_ssize_t, float*, float*)
    void fastlr_fold_f64(const double*, const double*, const double*, const double*, Py_ssize_t,
                         Py_ssize_t, double*, double*)
    void fastlr_orthant_f32(const float*, float*, float*, float*, Py_ssize_t, float, float, bint)
    void fastlr_orthant_f64(
        const double*, double*, double*, double*, Py_ssize_t, double, double, bint)
    void fastlr_stay_f32(float*, const float*, Py_ssize_t)
    void fastlr_stay_f64(double*, const double*, Py_ssize_t)
    void fastlr_unfold_f32(float*, const float*, const float*, const float*, Py_ssize_t,
                           Py_ssize_t)
    void fastlr_unfold_f64(double*, const double*, const double*, const double*, Py_ssize_t,
                           Py_ssize_t)
    void fastlr_sum_rows_f32(const float*, Py_ssize_t, Py_ssize_t, float*, bint)
    void fastlr_sum_rows_f64(const double*, Py_ssize_t, Py_ssize_t, double*, bint)
    void fastlr_forward_f32(const_f32*, const_f32*, Py_ssize_t, const float*, Py_ssize_t,
                            Py_ssize_t, float*, Py_ssize_t)
    void fastlr_forward_f64(const_f64*, const_f64*, Py_ssize_t, const double*, Py_ssize_t,
                            Py_ssize_t, double*, Py_ssize_t)
    void fastlr_backward_f32(const_f32*, Py_ssize_t, const float*, Py_ssize_t, float*,
                             Py_ssize_t, Py_ssize_t, bint)
    void fastlr_backward_f64(const_f64*, Py_ssize_t, const double*, Py_ssize_t, double*,
                             Py_ssize_t, Py_ssize_t, bint)

ctypedef void (*sgemm_t)(char*, char*, int*, int*, int*, float*, float*, int*, float*, int*,
                         float*, float*, int*) noexcept nogil
ctypedef void (*dgemm_t)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*,
                         double*, double*, int*) noexcept nogil
