# One epoch of a multi-layer perceptron without the GIL; included by a stub for each instruction
# set. What it computes is said in reference.py, and how in _mlp_passes.h.
# The stubs ask setup.py for contraction: multiplications and additions may be fused, so that
# instruction sets differ in the last bits. On one of them, results are the same every time.

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

cimport numpy as cnp

from fastlr.updater.steppers._host cimport (
    Stepper, flush_subnormals, restore_arithmetic, run_team
)

import numpy as np

from fastlr.training.result import EpochResult

cnp.import_array()

include "_data.pxi"
include "_mlp_c.pxi"

# Rows done at a time, at most: what they need stays in the second cache level.
cdef Py_ssize_t MOST_ROWS = 256
# Multiplications and additions of a block for each thread, at least: fewer are over before another
# thread has begun.
cdef double WORK_PER_THREAD = 1e6
# Threads that have working memory, at most: more would find no share of a block.
cdef int MOST_THREADS = 256
# Multiplications and additions between two looks at Ctrl-C, which need the GIL.
cdef double WORK_PER_CHUNK = 4e9
# Steps whose coefficients are computed at a time, at most.
cdef Py_ssize_t MOST_STEPS = 4096
cdef Py_ssize_t LINE = 64


cdef class MLPLoop:
    """The compiled epoch; made by `MLPEpoch`, which documents it.

    Weights of a layer are (inputs, outputs), contiguous, and updated in place. `grads` are those
    of the parameters that `stepper` steps, by name; without a stepper the network is evaluated.
    """

    cdef object held, grads, buffers
    cdef Stepper stepper
    cdef fastlr_network net
    cdef Py_ssize_t capacity, outputs
    cdef int typenum, n_threads
    cdef bint dense  # whether the buffers do for dense rows
    cdef double work  # multiplications and additions of a row, forward

    def __init__(
        self, list weights, list biases, grads, list grad_weights, list grad_biases, list trained,
        list activations, list dropout, int form, rule, scaling, Stepper stepper,
        uint64_t seed, n_threads,
    ):
        cdef Py_ssize_t i, n = len(weights)
        cdef fastlr_layer *layer
        if self.net.layers != NULL:
            raise RuntimeError("an MLPLoop is initialised once")
        check_layers(weights, biases, activations, dropout)
        self.held = weights, biases, grad_weights, grad_biases, rule, scaling
        self.grads, self.stepper = grads, stepper
        self.n_threads = max(1, min(n_threads, MOST_THREADS))
        self.net.itemsize = weights[0].itemsize
        self.typenum = weights[0].dtype.num
        self.net.n_layers = n
        self.net.layers = <fastlr_layer*>calloc(n, sizeof(fastlr_layer))
        if self.net.layers == NULL:
            raise MemoryError
        self.net.lowest = n
        self.net.input_threshold, self.net.input_kept = thin(dropout[0])
        self.net.seed = seed
        take_loss(&self.net.loss, form, rule)
        if scaling is not None:
            self.net.mean, self.net.inverse = cnp.PyArray_DATA(scaling[0]), cnp.PyArray_DATA(scaling[1])
        self.net.features = weights[0].shape[0]
        self.outputs = weights[n - 1].shape[1]
        for i in range(n):
            layer = &self.net.layers[i]
            layer.inputs, layer.outputs = weights[i].shape
            layer.weight = cnp.PyArray_BYTES(weights[i])
            layer.bias = cnp.PyArray_BYTES(biases[i])
            self.work += <double>layer.inputs * layer.outputs
            if stepper is not None:
                layer.grad_weight = cnp.PyArray_BYTES(grad_weights[i])
                layer.grad_bias = cnp.PyArray_BYTES(grad_biases[i])
                layer.trained = trained[i]
                if layer.trained and self.net.lowest == n:
                    self.net.lowest = i
            if i < n - 1:
                layer.activation = activations[i]
                layer.threshold, layer.kept = thin(dropout[i + 1])

    def __dealloc__(self):
        free(self.net.layers)

    cdef int reserve(self, Py_ssize_t rows) except -1:
        """Have buffers for blocks of this many rows."""
        cdef Py_ssize_t i, widest = self.net.features, size = self.net.itemsize
        cdef Py_ssize_t total = 0
        cdef fastlr_layer *layer
        cdef char *at
        cdef bint sparse = self.net.indptr != NULL
        if rows <= self.capacity and (self.dense or sparse):
            return 0
        rows = max(rows, self.capacity)
        # Twice: first to add up, then to hand out.
        for handing_out in range(2):
            if handing_out:
                self.buffers = np.zeros(total + LINE, np.uint8)
                at = cnp.PyArray_BYTES(self.buffers)
                at += -<Py_ssize_t>at & (LINE - 1)
                total = <Py_ssize_t>at
            self.net.gathered_ld = stride(self.net.features, size)
            self.net.gathered = take(&total, 0 if sparse else rows * self.net.gathered_ld * size)
            for i in range(self.net.n_layers):
                layer = &self.net.layers[i]
                layer.ld = stride(fastlr_padded(size, layer.outputs), size)
                widest = max(widest, layer.outputs)
                if i > 0 or not sparse:
                    layer.forward = take(
                        &total, layer.inputs * fastlr_padded(size, layer.outputs) * size)
                layer.value = take(&total, rows * layer.ld * size)
                layer.slope = take(&total, rows * layer.ld * size)
                if self.stepper is None:
                    layer.delta = take(&total, rows * layer.ld * size)
                    continue
                if i > self.net.lowest:
                    layer.backward = take(
                        &total, layer.outputs * fastlr_padded(size, layer.inputs) * size)
                layer.delta = take(&total, rows * layer.ld * size)
                if layer.trained:
                    layer.panels = take(
                        &total, rows * fastlr_padded(size, layer.outputs) * size)
            self.net.losses = <double*>take(&total, (rows // FASTLR_CHUNK + 1) * sizeof(double))
            self.net.scratch_size = LINE + size * max(widest, FASTLR_CHUNK * self.outputs)
            self.net.scratch_size += -self.net.scratch_size & (LINE - 1)
            self.net.scratch = take(&total, self.n_threads * self.net.scratch_size)
        self.capacity, self.dense = rows, not sparse
        return 0

    cdef int start_pass(self, bint training, bint with_loss, Py_ssize_t rows) except -1:
        """Prepare a pass over the data taken, in blocks of up to this many rows."""
        self.net.training, self.net.with_loss = training, with_loss
        self.reserve(max(rows, 1))
        self.net.shares = <int>max(1.0, min(<double>self.n_threads, rows * self.work / WORK_PER_THREAD))
        return 0

    def run(self, X, y, sample_weight, order, Py_ssize_t batch_size):
        """Train for one epoch; return None, and do nothing, if an argument is unfit."""
        cdef Py_ssize_t steps, step = 0, chunk, done = 0, block
        cdef double loss = 0, weight = 0
        cdef int status = 0
        cdef unsigned int mode
        if batch_size < 1 or not take_data(
            &self.net, self.typenum, self.outputs, X, y, sample_weight, order
        ):
            return None
        block = even_blocks(min(batch_size, self.net.data.used))
        self.start_pass(True, True, block)
        self.stepper.attach(self.grads)
        steps = (self.net.data.used + batch_size - 1) // batch_size
        chunk = <Py_ssize_t>(WORK_PER_CHUNK / (3.0 * batch_size * self.work))
        chunk = min(max(chunk, 1), MOST_STEPS)
        while step < steps and status == 0:
            chunk = min(chunk, steps - step)
            self.stepper.prepare(chunk)
            with nogil:
                mode = flush_subnormals()
                status = self.run_steps(batch_size, block, step, chunk, &done, &loss, &weight)
                restore_arithmetic(mode)
            step += done
            PyErr_CheckSignals()
        return EpochResult(loss, weight, step, step if status else None)

    cdef int run_steps(
        self, Py_ssize_t batch_size, Py_ssize_t block, Py_ssize_t first, Py_ssize_t count,
        Py_ssize_t *done, double *loss, double *weight,
    ) noexcept nogil:
        """Make `count` steps; return 0, or 1 if a loss or gradient was not finite."""
        cdef Py_ssize_t i, start, stop
        cdef double batch_loss, batch_weight
        done[0] = 0
        for i in range(first, first + count):
            start = i * batch_size
            stop = min(start + batch_size, self.net.data.used)
            self.net.step = <uint64_t>self.stepper.t
            batch_loss = batch_weight = 0
            self.blocks(start, stop, block, &batch_loss, &batch_weight)
            if not isfinite(batch_loss) or self.stepper.advance() == 2:
                return 1
            loss[0] += batch_loss
            weight[0] += batch_weight
            done[0] += 1
        return 0

    cdef void blocks(
        self, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t block, double *loss, double *weight
    ) noexcept nogil:
        """Add up loss and weight of some rows; in training, leave their gradient in the arena."""
        cdef fastlr_network *net = &self.net
        cdef Py_ssize_t i
        net.batch_rows, net.start = stop - start, start
        run_team(fastlr_pack_share, net, net.shares)
        while net.start < stop:
            net.rows = min(block, stop - net.start)
            net.in_batch = net.start - start
            run_team(fastlr_rows_share, net, net.shares)
            for i in range((net.rows + FASTLR_CHUNK - 1) // FASTLR_CHUNK):
                loss[0] += net.losses[i]
            for i in range(net.start, net.start + net.rows):
                weight[0] += fastlr_weight_at(&net.data, fastlr_row_at(&net.data, i))
            if net.training:
                run_team(fastlr_gradients_share, net, net.shares)
            net.start += net.rows

    def evaluate(self, X, y, sample_weight):
        """Return sums of loss and weight; None if an argument is unfit."""
        cdef double loss = 0, weight = 0
        cdef Py_ssize_t block
        if not take_data(
            &self.net, self.typenum, self.outputs, X, y, sample_weight, None
        ):
            return None
        block = even_blocks(self.net.data.used)
        self.start_pass(False, True, block)
        with nogil:
            self.blocks(0, self.net.data.used, block, &loss, &weight)
        return loss, weight

    def forward(self, X):
        """Return the outputs, without dropout; None if X is unfit."""
        cdef Py_ssize_t block
        cdef fastlr_network *net = &self.net
        cdef cnp.ndarray out
        cdef char *data
        net.data.order, net.data.used = NULL, take_rows(net, self.typenum, X)
        if net.data.used < 0:
            return None
        block = even_blocks(net.data.used)
        self.start_pass(False, False, block)
        out = np.empty((net.data.used, self.outputs), X.dtype)
        data = <char*>cnp.PyArray_DATA(out)
        with nogil:
            net.start = 0
            run_team(fastlr_pack_share, net, net.shares)
            while net.start < net.data.used:
                net.rows = min(block, net.data.used - net.start)
                run_team(fastlr_rows_share, net, net.shares)
                fastlr_take_outputs(net, data)
                net.start += net.rows
        return out


include "_mlp_rows.pxi"
include "_mlp_buffers.pxi"
