"""One optimizer step over arrays, with pointers prepared beforehand.

Everything a step needs lies ready in C: parameter and state pointers from `bind`, the kernel's
address, and a table of coefficient rows for the steps to come. What is left to do per step is
to check the gradients' pointers, measure their norm if asked, and call the kernel. The kernel
may come from Cython or from Numba; it is a pointer either way.
"""

import os
from time import sleep

from libc.float cimport DBL_MAX, FLT_MAX
from libc.math cimport INFINITY, fabs, isfinite, sqrt
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy

cimport numpy as cnp
from cpython.dict cimport PyDict_CheckExact, PyDict_GetItem, PyDict_Size
from cpython.object cimport PyObject
from cpython.pythread cimport PyThread_get_thread_ident

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISBEHAVED_RO(cnp.ndarray)

cdef extern from "_team.h" nogil:
    ctypedef void (*fastlr_work)(void *context, int share) noexcept nogil
    void fastlr_team_run(fastlr_work work, void *context, int shares)
    unsigned int fastlr_flush()
    void fastlr_set_arithmetic(unsigned int mode)

cdef unsigned long forks = 0  # between the first process and this one


def _count_fork():
    global forks
    forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)

include "_host_types.pxi"
include "_host_plan.pxi"
include "_host_rows.pxi"
include "_host_shares.pxi"


cdef class Stepper:
    """Steps bound arrays. Made by `Updater`, which has checked every argument.

    Parameters are contiguous, of one dtype; `states` has the arrays of the kernel, in its order,
    then those of the modifiers. `names` are the keys of gradients that come as a dict, None for a
    sequence; `single` gradients come as one array. ``refill(t, least, n)`` returns rows of coefficients for
    steps t + 1 ... t + n, (n, groups, width) in the parameters' dtype, and with `summing` the
    same in double precision. ``complain(i, grad)`` raises if gradient i cannot be used. A
    `clip_norm` that is not positive does not clip; `sign` is -1 to ascend; `measure_updates` is
    the number of steps between measurements, 0 for none. `owner` keeps the kernel's code alive.
    """

    def __init__(
        self, list params, list states, list group_ids, *, names, bint single, size_t kernel,
        size_t sumsq, size_t moved, refill, complain, double clip_norm, str clip_scope, bint squares,
        bint check, bint raises, double sign,
        int n_threads, owner, summing=None, finish=None, Py_ssize_t measure_updates=0,
    ):
        cdef Py_ssize_t i, n_finish = 0, blocks
        cdef Plan *plan = &self.plan
        if plan.segments != NULL:
            raise RuntimeError("a Stepper is initialised once")
        self.params, self.states, self.names = params, states, names
        self.single, self.keyed = single, names is not None
        self.refill, self.complain, self.kernel_owner = refill, complain, owner
        self.check, self.raises = check, raises
        plan.clip_norm, plan.sign = clip_norm, sign
        plan.clips_arrays = clip_norm > 0 and clip_scope == "parameter"
        self.dtype = params[0].dtype
        self.typenum = self.dtype.num
        self.ahead = FIRST_ROWS
        self.norm = self.param_norm = self.update_norm = self.culprit = -1
        plan.kernel, plan.sumsq, plan.moved = kernel, sumsq, moved
        plan.itemsize = self.dtype.itemsize
        plan.most = (FLT_MAX if plan.itemsize == 4 else DBL_MAX) if squares else INFINITY
        plan.n_segments = len(params)
        plan.n_state = len(states[0])
        if finish is not None:
            n_finish = len(finish.what.arrays)
            plan.finish.kernel, plan.finish.count = finish.address, finish.count
            plan.finish.first = plan.n_state - n_finish
            plan.finish.cautious, plan.finish.always = finish.what.cautious, finish.always
            self.finish_owner = finish
        if plan.n_state - n_finish > 8:
            raise ValueError(f"a rule may keep 8 state arrays, got {plan.n_state - n_finish}")
        self.low = <char**>calloc(plan.n_segments, sizeof(char*))
        self.high = <char**>calloc(plan.n_segments, sizeof(char*))
        if self.low == NULL or self.high == NULL:
            raise MemoryError
        blocks = lay_out(plan, params, states, group_ids, clip_scope, measure_updates > 0)
        self.measure_every = measure_updates
        for i in range(plan.n_segments):
            self.total += plan.segments[i].n
        # Empty ones lie nowhere: an address inside another parameter would hide what follows it.
        extents = sorted(
            (<size_t>plan.segments[i].p if plan.segments[i].n else 0,
             plan.segments[i].n * plan.itemsize)
            for i in range(plan.n_segments)
        )
        for i, (start, size) in enumerate(extents):
            self.low[i] = <char*><size_t>start
            self.high[i] = self.low[i] + <Py_ssize_t>size
        if summing is not None:
            self.scalars = summing.scalars
            start_sums(plan, summing, blocks)
        cut(plan, self.total, max(1, min(n_threads, self.total // THREAD_FROM)))

    def __dealloc__(self):
        free(self.plan.segments)
        free(self.plan.partial)
        free(self.plan.moves)
        free(self.plan.sums.partial)
        free(self.plan.own_rows)
        free(self.plan.norms)
        free(self.plan.pieces)
        free(self.plan.first_piece)
        free(self.low)
        free(self.high)

    # Gradients

    cdef int load(self, Py_ssize_t i, object grad) except -1:
        """Take gradient i's pointer after checking that it fits parameter i."""
        cdef cnp.ndarray p = <cnp.ndarray>self.params[i]
        cdef cnp.ndarray g
        cdef char *start
        cdef char *stop
        cdef Py_ssize_t lo, hi, mid
        cdef bint fits = cnp.PyArray_Check(grad)
        if fits:
            g = <cnp.ndarray>grad
            fits = (
                cnp.PyArray_TYPE(g) == self.typenum
                and cnp.PyArray_NDIM(g) == cnp.PyArray_NDIM(p)
                and (cnp.PyArray_NDIM(p) == 0 or (  # which has no shape to point to
                    memcmp(
                        cnp.PyArray_DIMS(g), cnp.PyArray_DIMS(p),
                        cnp.PyArray_NDIM(p) * sizeof(cnp.npy_intp)) == 0
                    and memcmp(
                        cnp.PyArray_STRIDES(g), cnp.PyArray_STRIDES(p),
                        cnp.PyArray_NDIM(p) * sizeof(cnp.npy_intp)) == 0))
                and PyArray_ISBEHAVED_RO(g)
            )
        if fits:
            start = <char*>cnp.PyArray_DATA(g)
            stop = start + self.plan.segments[i].n * self.plan.itemsize
            # The last parameter that begins before the gradient ends must end before it begins.
            lo, hi = 0, self.plan.n_segments
            while lo < hi:
                mid = (lo + hi) // 2
                if self.low[mid] < stop:
                    lo = mid + 1
                else:
                    hi = mid
            fits = lo == 0 or self.high[lo - 1] <= start
        if not fits:
            self.complain(i, grad)
            g = <cnp.ndarray>grad
        self.plan.segments[i].g = <const char*>cnp.PyArray_DATA(g)
        return 0

    cdef int load_all(self, object grads) except -1:
        cdef Py_ssize_t i
        cdef PyObject *item
        if self.single:
            return self.load(0, grads)
        if self.keyed:
            if not PyDict_CheckExact(grads):
                # Such a mapping may make its arrays on the spot: they must outlive the step.
                self.held = grads = (
                    dict(grads) if hasattr(grads, "keys") else self.complain(-1, grads)
                )
            if PyDict_Size(grads) != self.plan.n_segments:
                self.complain(-1, grads)
            for i in range(self.plan.n_segments):
                item = PyDict_GetItem(grads, self.names[i])
                if item == NULL:
                    self.complain(-1, grads)
                self.load(i, <object>item)
            return 0
        if not isinstance(grads, (list, tuple)):
            self.complain(-1, grads)
        if len(grads) != self.plan.n_segments:
            self.complain(-1, grads)
        if type(grads) is not list and type(grads) is not tuple:
            # Such a sequence may make its arrays on the spot, too.
            self.held = grads = [grads[i] for i in range(self.plan.n_segments)]
        for i in range(self.plan.n_segments):
            self.load(i, grads[i])
        return 0

    def attach(self, grads):
        """Take the pointers of gradients that stay where they are, for `advance`."""
        self.held = grads
        self.load_all(grads)

    # Coefficients

    cdef int fill(self, Py_ssize_t least) except -1:
        """Compute coefficients of the next `least` steps or more."""
        cdef cnp.ndarray table, exact
        made = self.refill(self.t, least, max(least, self.ahead))
        if self.plan.sums.measure:
            made, exact = made
            self.exact = exact
            self.plan.sums.exact = <double*>cnp.PyArray_DATA(exact)
        table = made
        self.ahead = min(2 * self.ahead, MOST_ROWS)
        if table.dtype.num != self.typenum or table.ndim != 3 or not table.flags.c_contiguous:
            raise TypeError(f"coefficient table of {table.dtype} and {table.ndim} axes")
        self.table = table
        self.length = cnp.PyArray_DIM(table, 0)
        self.plan.n_groups = cnp.PyArray_DIM(table, 1)
        self.plan.width = cnp.PyArray_DIM(table, 2)
        self.plan.rows = <char*>cnp.PyArray_DATA(table)
        self.plan.cursor = 0
        if self.plan.own_rows == NULL and (
            self.plan.sums.measure or self.plan.clips_arrays or self.plan.finish.cautious
        ):
            self.plan.own_rows = <char*>calloc(
                (self.plan.n_segments + 1) * self.plan.width, self.plan.itemsize)
            if self.plan.own_rows == NULL:
                raise MemoryError
        return 0

    def prepare(self, Py_ssize_t n):
        """Have rows for the next `n` steps in the table, so that `advance` may run n times."""
        if self.length - self.plan.cursor < n:
            self.fill(n)

    def forget_rows(self):
        """Drop rows computed ahead: the schedule has changed."""
        self.length = self.plan.cursor = 0
        self.ahead = FIRST_ROWS

    def restart(self, long long t, long long skipped, Py_ssize_t culprit=-1):
        """Continue from another step, after state was loaded."""
        self.t, self.skipped = t, skipped
        self.norm = self.param_norm = self.update_norm = -1
        self.culprit = culprit
        self.forget_rows()

    # Steps

    def step(self, grads):
        """Update the parameters with `grads`; return 1 if the step was skipped, else 0."""
        cdef int status
        self.enter(False)
        try:
            self.held = None
            self.load_all(grads)
            if self.plan.cursor == self.length:
                self.fill(1)
            if self.total >= RELEASE_GIL_FROM:
                if self.held is None and not self.single:
                    # Another thread may take arrays out of the container meanwhile.
                    self.held = list(grads.values()) if self.keyed else list(grads)
                with nogil:
                    status = self.advance()
            else:
                status = self.advance()
            if status == 2:
                self.complain(-2, grads)
            return status
        finally:
            self.held = None
            self.leave()

    # Turns: one thread steps at a time, and what is read as a whole is read between steps

    def __enter__(self):
        self.enter(True)
        return self

    def __exit__(self, *_):
        self.leave()

    cdef int enter(self, bint again) except -1:
        """Wait until no other thread is at work here; a forked child has none of them.

        The GIL guards these numbers. A lock would cost as much as a small step does.
        """
        cdef unsigned long me = PyThread_get_thread_ident()
        if self.in_turn != 0 and self.forks == forks:
            if self.in_turn == me:
                if not again:
                    raise RuntimeError("step was called within a step")
                self.nested += 1
                return 0
            self.waiting += 1
            try:
                while self.in_turn != 0 and self.forks == forks:
                    sleep(2e-5)
            finally:
                self.waiting -= 1
        self.in_turn, self.forks, self.nested = me, forks, 0
        return 0

    cdef int leave(self) except -1:
        if self.nested:
            self.nested -= 1
            return 0
        self.in_turn = 0
        if self.waiting:
            sleep(5e-5)  # or this thread would be back before the other has looked
        return 0

    cdef int advance(self) noexcept nogil:
        """Make one step with the gradients attached: 0 done, 1 skipped, 2 not finite and refused."""
        cdef int status
        if self.check or self.plan.clip_norm > 0:
            fastlr_team_run(norm_share, &self.plan, self.plan.shares)
            status = self.measure()
            if status:
                return status
        self.plan.measuring = self.measure_every > 0 and (self.t + 1) % self.measure_every == 0
        if self.plan.own_rows != NULL:
            copy_rows(&self.plan)
        if self.plan.sums.measure:
            fastlr_team_run(measure_share, &self.plan, self.plan.shares)
            adapt(&self.plan)
        if self.plan.finish.kernel == 0 and not self.plan.measuring:
            fastlr_team_run(kernel_share, &self.plan, self.plan.shares)
        else:
            fastlr_team_run(turn_share, &self.plan, self.plan.shares)
            if self.plan.finish.cautious:
                set_caution(&self.plan)
                fastlr_team_run(caution_share, &self.plan, self.plan.shares)
        if self.plan.measuring:
            self.param_norm = sqrt(sum_of_turns(&self.plan, 0))
            self.update_norm = sqrt(sum_of_turns(&self.plan, 1))
        self.plan.cursor += 1
        self.t += 1
        return 0

    cdef int measure(self) noexcept nogil:
        """Join the partial sums; scale the gradients of this step, or say that it cannot be made."""
        cdef Plan *plan = &self.plan
        cdef Py_ssize_t i, k, block = 0
        cdef double total = 0
        for k in range(plan.n_norms):
            plan.norms[k] = 0
        for i in range(plan.n_segments):
            for _ in range((plan.segments[i].n + NORM_BLOCK - 1) // NORM_BLOCK):
                total += plan.partial[block]
                plan.norms[plan.segments[i].norm] += plan.partial[block]
                block += 1
        self.norm = sqrt(total)
        for k in range(plan.n_norms):
            plan.norms[k] = sqrt(plan.norms[k])
        if total == INFINITY:
            self.norm = large_norm(plan, -1)
            for k in range(plan.n_norms):
                if plan.norms[k] == INFINITY:
                    plan.norms[k] = large_norm(plan, k)
        if self.check and not total < plan.most:
            i = first_nonfinite(plan)
            if i >= 0:
                if self.raises:
                    return 2
                self.culprit = i
                self.skipped += 1
                return 1
        if self.plan.clip_norm > 0 and not self.plan.clips_arrays:
            for k in range(plan.n_groups):
                set_scale(
                    plan, plan.rows + (plan.cursor * plan.n_groups + k) * plan.width * plan.itemsize,
                    # One norm is for all; a group without members has none.
                    plan.norms[k if k < plan.n_norms else 0])
        return 0


cdef unsigned int flush_subnormals() noexcept nogil:
    """Take numbers below the normal ones as zero in this thread; return the mode before."""
    return fastlr_flush()


cdef void restore_arithmetic(unsigned int mode) noexcept nogil:
    """Compute as before `flush_subnormals`."""
    fastlr_set_arithmetic(mode)


cdef void run_team(shared_work work, void *context, int shares) noexcept nogil:
    """Call work(context, 0 ... shares - 1), side by side; return when all are done."""
    fastlr_team_run(work, context, shares)
