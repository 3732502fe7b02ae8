
# Sum of squares in double precision over 16 fixed lanes: vector code that gives the same bits
# on every instruction set, because the order of additions is written down.

cdef double sumsq_f32(const float *x, Py_ssize_t n) noexcept nogil:
    cdef double lane[16]
    cdef double value, total = 0
    cdef Py_ssize_t i, j, whole = n - n % 16
    for j in range(16):
        lane[j] = 0
    for i in range(0, whole, 16):
        for j in range(16):
            value = x[i + j]
            lane[j] += value * value
    for i in range(whole, n):
        value = x[i]
        lane[i - whole] += value * value
    for j in range(16):
        total += lane[j]
    return total


cdef double sumsq_f64(const double *x, Py_ssize_t n) noexcept nogil:
    cdef double lane[16]
    cdef double total = 0
    cdef Py_ssize_t i, j, whole = n - n % 16
    for j in range(16):
        lane[j] = 0
    for i in range(0, whole, 16):
        for j in range(16):
            lane[j] += x[i + j] * x[i + j]
    for i in range(whole, n):
        lane[i - whole] += x[i] * x[i]
    for j in range(16):
        total += lane[j]
    return total


# The same of what has changed.

cdef double moved_f32(const float *before, const float *after, Py_ssize_t n) noexcept nogil:
    cdef double lane[16]
    cdef float move
    cdef double value, total = 0
    cdef Py_ssize_t i, j, whole = n - n % 16
    for j in range(16):
        lane[j] = 0
    for i in range(0, whole, 16):
        for j in range(16):
            move = after[i + j] - before[i + j]
            value = move
            lane[j] += value * value
    for i in range(whole, n):
        move = after[i] - before[i]
        value = move
        lane[i - whole] += value * value
    for j in range(16):
        total += lane[j]
    return total


cdef double moved_f64(const double *before, const double *after, Py_ssize_t n) noexcept nogil:
    cdef double lane[16]
    cdef double move
    cdef double value, total = 0
    cdef Py_ssize_t i, j, whole = n - n % 16
    for j in range(16):
        lane[j] = 0
    for i in range(0, whole, 16):
        for j in range(16):
            move = after[i + j] - before[i + j]
            value = move
            lane[j] += value * value
    for i in range(whole, n):
        move = after[i] - before[i]
        value = move
        lane[i - whole] += value * value
    for j in range(16):
        total += lane[j]
    return total

KERNELS["sumsq_f32"] = <size_t><void*>sumsq_f32
KERNELS["sumsq_f64"] = <size_t><void*>sumsq_f64
KERNELS["moved_f32"] = <size_t><void*>moved_f32
KERNELS["moved_f64"] = <size_t><void*>moved_f64
