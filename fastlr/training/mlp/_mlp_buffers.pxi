# Sizes and addresses of what the MLP loop works in, and its activations for tests.

cdef Py_ssize_t even_blocks(Py_ssize_t rows) noexcept nogil:
    """Return how many rows to do at a time: blocks of one size, not full ones and a rest."""
    cdef Py_ssize_t count = max((rows + MOST_ROWS - 1) // MOST_ROWS, 1)
    return (rows + count - 1) // count


cdef tuple thin(double rate):
    """Return threshold and factor of a dropout rate."""
    return <uint32_t>(rate * 4294967296.0), 1 / (1 - rate)


cdef int check_layers(list weights, list biases, list activations, list dropout) except -1:
    """Raise unless arrays are the layers of one network: files may hold anything."""
    cdef Py_ssize_t i, n = len(weights), before = -1
    cdef int typenum = cnp.NPY_FLOAT32
    if not 0 < n == len(biases) == len(dropout) == len(activations) + 1:
        raise ValueError(
            f"a network must have an intercept for each layer, and an activation for each but the "
            f"last: got {n} layers, {len(biases)} intercepts, {len(activations)} activations"
        )
    for i in range(n):
        if i == 0 and fits(weights[0], cnp.NPY_FLOAT64, 2, -1):
            typenum = cnp.NPY_FLOAT64
        if not (
            fits(weights[i], typenum, 2, before)
            and fits(biases[i], typenum, 1, cnp.PyArray_DIM(weights[i], 1))
        ):
            raise ValueError(
                f"layer {i} does not fit: weights must be float32 or float64 as in the first layer, "
                f"with as many rows as the layer before has outputs, and an intercept for each "
                f"column; got weights {form_of(weights[i])}, intercept {form_of(biases[i])}"
            )
        before = cnp.PyArray_DIM(weights[i], 1)
    return 0


cdef str form_of(array):
    return f"{getattr(array, 'dtype', type(array).__name__)} of shape {getattr(array, 'shape', ())}"


cdef Py_ssize_t stride(Py_ssize_t columns, Py_ssize_t itemsize) noexcept nogil:
    """Return a row length of an odd number of cache lines: then columns are spread over all sets."""
    cdef Py_ssize_t lines = (columns * itemsize + LINE - 1) // LINE
    return (lines | 1) * LINE // itemsize


cdef char *take(Py_ssize_t *total, Py_ssize_t size) noexcept nogil:
    """Return the next free address, counting up by whole lines."""
    cdef char *start = <char*>total[0]
    total[0] += (size + LINE - 1) // LINE * LINE
    return start


def activation(int kind, cnp.ndarray z not None):
    """Return value and slope of an activation for contiguous float32 or float64 numbers."""
    cdef cnp.ndarray value = z.copy(), slope = np.empty_like(z)
    fastlr_activate(
        z.itemsize, kind, cnp.PyArray_DATA(value), cnp.PyArray_DATA(slope), z.size)
    return value, slope
