"""One optimizer step over arrays, with pointers prepared beforehand.

Everything a step needs lies ready in C: parameter and state pointers from `bind`, the kernel's
address, and a table of coefficient rows for the steps to come. What is left to do per step is
to check the gradients' pointers, measure their norm if asked, and call the kernel. The kernel
may come from Cython or from Numba; it is a pointer either way.
"""

from libc.math cimport isfinite, sqrt
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy

cimport numpy as cnp
from cpython.dict cimport PyDict_CheckExact, PyDict_GetItem, PyDict_Size
from cpython.object cimport PyObject

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    bint PyArray_ISBEHAVED_RO(cnp.ndarray)

cdef extern from "_team.h" nogil:
    ctypedef void (*fastlr_work)(void *context, int share) noexcept nogil
    void fastlr_team_run(fastlr_work work, void *context, int shares)

ctypedef void (*kernel_t)(void *p, const void *g, void **s, const void *c, Py_ssize_t n) noexcept nogil
ctypedef double (*sumsq_t)(const void *x, Py_ssize_t n) noexcept nogil
ctypedef void (*measure_t)(
    double *lanes, const void *p, const void *g, void **s, const void *c, Py_ssize_t n
) noexcept nogil
ctypedef Py_ssize_t (*count_t)(
    const void *p, const void *g, void **s, const void *c, Py_ssize_t n
) noexcept nogil
ctypedef void (*adapt_t)(
    const double *sums, const double *exact, double *scalars, void *row
) noexcept nogil

# Norms are summed in blocks of fixed size, in fixed order: the result does not depend on threads.
cdef Py_ssize_t NORM_BLOCK = 16384
cdef enum:
    MOST_SUMS = 8  # that a rule may ask for
# Elements that a rule and what follows it work on in turn: few enough to stay in a near cache.
cdef Py_ssize_t TURN = 1024
# Where a coefficient row holds what the modifiers that follow a rule read.
cdef enum:
    L1 = 5
    LOOK = 6
    MASK = 7
# Below this many elements a step is shorter than handing the GIL over and back.
cdef Py_ssize_t RELEASE_GIL_FROM = 16384
# Below this many elements for each thread, a step is over before another thread has begun.
cdef Py_ssize_t THREAD_FROM = 16384
# Rows of coefficients computed at a time: few at first, so that the first step is quick, then
# twice as many each time, so that a long run hardly ever stops for them.
cdef Py_ssize_t FIRST_ROWS = 256
cdef Py_ssize_t MOST_ROWS = 4096


cdef class Stepper:
    """Steps bound arrays. Made by `Updater`, which has checked every argument.

    Parameters
    ----------
    params : list of ndarray
        Contiguous, of one dtype, updated in place.
    states : list of list of ndarray
        State arrays of each parameter, in the kernel's order; then those of the modifiers.
    group_ids : list of int
        Group of each parameter.
    names : list or None
        Keys of the gradients when they come as a dict; None for a sequence.
    single : bool
        Gradients come as one array.
    kernel, sumsq : int
        Addresses.
    refill : callable
        ``refill(t, n)`` returns coefficient rows for steps t + 1 ... t + n, an array
        (n, groups, width) in the parameters' dtype. With `summing`, that and one in double
        precision.
    complain : callable
        ``complain(i, grad)`` raises if gradient i is unfit; returns if it may be used after all.
    clip_norm : float
        Bound of a norm; not positive: none.
    clip_scope : {"global", "group", "parameter"}
        Whose norm: that of all gradients, of those of a group, or of each.
    check, raises : bool
        Look for non-finite gradients; raise on them, or skip the step.
    sign : float
        -1 to ascend.
    n_threads : int
        Threads for large models.
    owner : object
        Kept alive with the kernel's address.
    summing : BoundSums, optional
        Of a rule that sums over elements before its update.
    finish : BoundFinish, optional
        Modifiers that follow the rule.
    """

    def __init__(
        self, list params, list states, list group_ids, *, names, bint single, size_t kernel,
        size_t sumsq, refill, complain, double clip_norm, str clip_scope, bint check, bint raises, double sign,
        int n_threads, owner, summing=None, finish=None,
    ):
        cdef Py_ssize_t i, k, n_finish = 0, blocks = 0
        cdef Plan *plan = &self.plan
        if plan.segments != NULL:
            raise RuntimeError("a Stepper is initialised once")
        self.params, self.states, self.names = params, states, names
        self.single, self.keyed = single, names is not None
        self.refill, self.complain, self.kernel_owner = refill, complain, owner
        self.clip_norm, self.check, self.raises, self.sign = clip_norm, check, raises, sign
        self.clips_arrays = clip_norm > 0 and clip_scope == "parameter"
        self.dtype = params[0].dtype
        self.typenum = self.dtype.num
        self.ahead = FIRST_ROWS
        self.norm, self.culprit = -1, -1
        plan.kernel, plan.sumsq = kernel, sumsq
        plan.itemsize = self.dtype.itemsize
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
        plan.segments = <Segment*>calloc(plan.n_segments, sizeof(Segment))
        self.low = <char**>calloc(plan.n_segments, sizeof(char*))
        self.high = <char**>calloc(plan.n_segments, sizeof(char*))
        if plan.segments == NULL or self.low == NULL or self.high == NULL:
            raise MemoryError
        for i in range(plan.n_segments):
            plan.segments[i].p = <char*>cnp.PyArray_DATA(params[i])
            plan.segments[i].n = cnp.PyArray_SIZE(params[i])
            plan.segments[i].group = group_ids[i]
            if clip_scope != "global":
                plan.segments[i].norm = group_ids[i] if clip_scope == "group" else i
            plan.n_norms = max(plan.n_norms, plan.segments[i].norm + 1)
            for k in range(plan.n_state):
                plan.segments[i].state[k] = <char*>cnp.PyArray_DATA(states[i][k])
            blocks += (plan.segments[i].n + NORM_BLOCK - 1) // NORM_BLOCK
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
        plan.partial = <double*>calloc(max(blocks, 1), sizeof(double))
        plan.norms = <double*>calloc(plan.n_norms, sizeof(double))
        if plan.partial == NULL or plan.norms == NULL:
            raise MemoryError
        if summing is not None:
            self.start_sums(summing, blocks)
        self.cut(max(1, min(n_threads, self.total // THREAD_FROM)))

    def __dealloc__(self):
        free(self.plan.segments)
        free(self.plan.partial)
        free(self.plan.sums.partial)
        free(self.plan.own_rows)
        free(self.plan.norms)
        free(self.plan.pieces)
        free(self.plan.first_piece)
        free(self.low)
        free(self.high)

    cdef int start_sums(self, object summing, Py_ssize_t blocks) except -1:
        """Prepare for a rule that sums over elements before its update."""
        cdef Sums *sums = &self.plan.sums
        cdef cnp.ndarray scalars = summing.scalars
        sums.count, sums.shared = summing.kernels.n_sums, summing.shared
        sums.n_scalars, sums.n_derived = cnp.PyArray_DIM(scalars, 1), summing.kernels.n_derived
        if sums.count > MOST_SUMS:
            raise ValueError(f"a rule may have {MOST_SUMS} sums, got {sums.count}")
        self.scalars = scalars
        sums.scalars = <double*>cnp.PyArray_DATA(scalars)
        sums.partial = <double*>calloc(max(blocks * sums.count, 1), sizeof(double))
        if sums.partial == NULL:
            raise MemoryError
        sums.measure, sums.adapt = summing.kernels.measure, summing.kernels.adapt
        return 0

    cdef int cut(self, int n_threads) except -1:
        """Cut the elements into even shares, one for each thread."""
        cdef Plan *plan = &self.plan
        cdef Py_ssize_t share = (self.total // n_threads + 63) // 64 * 64
        cdef Py_ssize_t i, start, count, room = share, k = 0
        cdef int taken = 0
        plan.pieces = <Piece*>calloc(plan.n_segments + n_threads, sizeof(Piece))
        plan.first_piece = <Py_ssize_t*>calloc(n_threads + 1, sizeof(Py_ssize_t))
        if plan.pieces == NULL or plan.first_piece == NULL:
            raise MemoryError
        for i in range(plan.n_segments):
            start = 0
            while start < plan.segments[i].n:
                if room == 0 and taken + 1 < n_threads:
                    taken += 1
                    plan.first_piece[taken] = k
                    room = share
                count = plan.segments[i].n - start
                if taken + 1 < n_threads:
                    count = min(count, room)
                plan.pieces[k].segment, plan.pieces[k].start, plan.pieces[k].count = i, start, count
                k += 1
                start += count
                room = max(room - count, 0)
        plan.shares = taken + 1
        plan.first_piece[plan.shares] = k
        return 0

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
                and memcmp(
                    cnp.PyArray_DIMS(g), cnp.PyArray_DIMS(p),
                    cnp.PyArray_NDIM(p) * sizeof(cnp.npy_intp)) == 0
                and memcmp(
                    cnp.PyArray_STRIDES(g), cnp.PyArray_STRIDES(p),
                    cnp.PyArray_NDIM(p) * sizeof(cnp.npy_intp)) == 0
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
        made = self.refill(self.t, max(least, self.ahead))
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
            self.plan.sums.measure or self.clips_arrays or self.plan.finish.cautious
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

    def restart(self, long long t, long long skipped):
        """Continue from another step, after state was loaded."""
        self.t, self.skipped = t, skipped
        self.norm, self.culprit = -1, -1
        self.forget_rows()

    # Steps

    def step(self, grads):
        """Update the parameters with `grads`; return 1 if the step was skipped, else 0."""
        cdef int status
        self.load_all(grads)
        if self.plan.cursor == self.length:
            self.fill(1)
        if self.total >= RELEASE_GIL_FROM:
            with nogil:
                status = self.advance()
        else:
            status = self.advance()
        if status == 2:
            self.complain(-2, grads)
        return status

    cdef int advance(self) noexcept nogil:
        """Make one step with the gradients attached: 0 done, 1 skipped, 2 not finite and refused."""
        cdef int status
        if self.check or self.clip_norm > 0:
            fastlr_team_run(norm_share, &self.plan, self.plan.shares)
            status = self.measure()
            if status:
                return status
        if self.plan.own_rows != NULL:
            self.copy_rows()
        if self.plan.sums.measure:
            fastlr_team_run(measure_share, &self.plan, self.plan.shares)
            self.adapt()
        if self.plan.finish.kernel == 0:
            fastlr_team_run(kernel_share, &self.plan, self.plan.shares)
        else:
            fastlr_team_run(turn_share, &self.plan, self.plan.shares)
            if self.plan.finish.cautious:
                self.set_caution()
                fastlr_team_run(caution_share, &self.plan, self.plan.shares)
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
        if self.check and not isfinite(total):
            i = self.first_nonfinite()
            if i >= 0:
                if self.raises:
                    return 2
                self.culprit = i
                self.skipped += 1
                return 1
        if self.clip_norm > 0 and not self.clips_arrays:
            for k in range(plan.n_groups):
                self.set_scale(
                    plan.rows + (plan.cursor * plan.n_groups + k) * plan.width * plan.itemsize,
                    # One norm is for all; a group without members has none.
                    plan.norms[k if k < plan.n_norms else 0])
        return 0

    cdef Py_ssize_t first_nonfinite(self) noexcept nogil:
        """Look at every gradient, -1: finite ones may have a sum of squares that is not."""
        cdef Py_ssize_t i, j
        for i in range(self.plan.n_segments):
            for j in range(self.plan.segments[i].n):
                if self.plan.itemsize == 4:
                    if not isfinite((<const float*>self.plan.segments[i].g)[j]):
                        return i
                elif not isfinite((<const double*>self.plan.segments[i].g)[j]):
                    return i
        return -1

    cdef void set_scale(self, char *row, double square) noexcept nogil:
        """Write the gradient scale that belongs to a squared norm into a coefficient row."""
        cdef double scale = self.clip_norm / (sqrt(square) + 1e-6)
        if scale > 1:
            scale = 1
        scale *= self.sign
        if self.plan.itemsize == 4:
            (<float*>row)[0] = <float>scale
        else:
            (<double*>row)[0] = scale

    cdef void set_caution(self) noexcept nogil:
        """Scale the moves that are kept of each array by how few they are."""
        cdef Plan *plan = &self.plan
        cdef Py_ssize_t i, k = 0, at, kept
        cdef double scale
        for i in range(plan.n_segments):  # pieces follow each other as the arrays do
            kept = 0
            while k < plan.first_piece[plan.shares] and plan.pieces[k].segment == i:
                kept += plan.pieces[k].kept
                k += 1
            if plan.segments[i].n:
                scale = 1 / max(<double>kept / plan.segments[i].n, 1e-3)
                at = i * plan.width + MASK
                if plan.itemsize == 4:
                    (<float*>plan.own_rows)[at] = <float>scale
                else:
                    (<double*>plan.own_rows)[at] = scale

    cdef void copy_rows(self) noexcept nogil:
        """Give each array a coefficient row of its own for this step, with the scalars as they are."""
        cdef Plan *plan = &self.plan
        cdef Sums *sums = &plan.sums
        cdef Py_ssize_t size = plan.width * plan.itemsize
        cdef Py_ssize_t tail = plan.width - sums.n_scalars - sums.n_derived
        cdef Py_ssize_t i, k, group
        cdef char *row
        cdef double *scalars
        for i in range(plan.n_segments + 1):
            group = plan.segments[i].group if i < plan.n_segments else 0
            row = plan.own_rows + i * size
            memcpy(row, plan.rows + (plan.cursor * plan.n_groups + group) * size, size)
            if self.clips_arrays and i < plan.n_segments:
                self.set_scale(row, plan.norms[i])
            if i == plan.n_segments and not sums.shared:
                break
            scalars = sums.scalars + (0 if sums.shared else i * sums.n_scalars)
            for k in range(sums.n_scalars):
                if plan.itemsize == 4:
                    (<float*>row)[tail + k] = <float>scalars[k]
                else:
                    (<double*>row)[tail + k] = scalars[k]

    cdef void adapt(self) noexcept nogil:
        """Join the partial sums; renew scalars, and what rows say of scalars and derived values."""
        cdef Plan *plan = &self.plan
        cdef Sums *sums = &plan.sums
        cdef Py_ssize_t size = plan.width * plan.itemsize
        cdef Py_ssize_t kept = (plan.width - sums.n_scalars - sums.n_derived) * plan.itemsize
        cdef Py_ssize_t i, k, block = 0
        cdef double *exact = sums.exact + plan.cursor * plan.n_groups * plan.width
        cdef double total[MOST_SUMS]
        cdef char *row
        for k in range(sums.count):
            total[k] = 0
        for i in range(plan.n_segments):
            for _ in range((plan.segments[i].n + NORM_BLOCK - 1) // NORM_BLOCK):
                for k in range(sums.count):
                    total[k] += sums.partial[block * sums.count + k]
                block += 1
            if not sums.shared:
                (<adapt_t><void*>sums.adapt)(
                    total, exact + plan.segments[i].group * plan.width,
                    sums.scalars + i * sums.n_scalars, plan.own_rows + i * size)
                for k in range(sums.count):
                    total[k] = 0
        if sums.shared:
            row = plan.own_rows + plan.n_segments * size
            (<adapt_t><void*>sums.adapt)(total, exact, sums.scalars, row)
            for i in range(plan.n_segments):
                memcpy(plan.own_rows + i * size + kept, row + kept, size - kept)


cdef void run_team(shared_work work, void *context, int shares) noexcept nogil:
    """Call work(context, 0 ... shares - 1), side by side; return when all are done."""
    fastlr_team_run(work, context, shares)


cdef void norm_share(void *context, int share) noexcept nogil:
    """Sum the squares of every shares-th block into `partial`."""
    cdef Plan *plan = <Plan*>context
    cdef Py_ssize_t i, start, count, block = 0
    for i in range(plan.n_segments):
        start = 0
        while start < plan.segments[i].n:
            if block % plan.shares == share:
                count = min(NORM_BLOCK, plan.segments[i].n - start)
                plan.partial[block] = (<sumsq_t><void*>plan.sumsq)(
                    plan.segments[i].g + start * plan.itemsize, count)
            block += 1
            start += NORM_BLOCK


cdef void measure_share(void *context, int share) noexcept nogil:
    """Sum over the elements of every shares-th block into the partial sums."""
    cdef Plan *plan = <Plan*>context
    cdef Sums *sums = &plan.sums
    cdef Py_ssize_t i, j, k, start, offset, block = 0
    cdef Segment *s
    cdef void *state[12]
    cdef double lanes[16 * MOST_SUMS]
    cdef double total
    for i in range(plan.n_segments):
        s = &plan.segments[i]
        start = 0
        while start < s.n:
            if block % plan.shares == share:
                offset = start * plan.itemsize
                for k in range(plan.n_state):
                    state[k] = s.state[k] + offset
                (<measure_t><void*>sums.measure)(
                    lanes, s.p + offset, s.g + offset, state,
                    plan.own_rows + i * plan.width * plan.itemsize, min(NORM_BLOCK, s.n - start))
                for k in range(sums.count):
                    total = 0
                    for j in range(16):
                        total += lanes[16 * k + j]
                    sums.partial[block * sums.count + k] = total
            block += 1
            start += NORM_BLOCK


cdef inline char *row_of(Plan *plan, Py_ssize_t segment) noexcept nogil:
    """Return the coefficients of an array at this step."""
    cdef Py_ssize_t at
    if plan.own_rows != NULL:
        return plan.own_rows + segment * plan.width * plan.itemsize
    at = plan.cursor * plan.n_groups + plan.segments[segment].group
    return plan.rows + at * plan.width * plan.itemsize


cdef void kernel_share(void *context, int share) noexcept nogil:
    """Update the elements of one share."""
    cdef Plan *plan = <Plan*>context
    cdef Py_ssize_t i, k, offset
    cdef Segment *s
    cdef void *state[12]
    for i in range(plan.first_piece[share], plan.first_piece[share + 1]):
        s = &plan.segments[plan.pieces[i].segment]
        offset = plan.pieces[i].start * plan.itemsize
        for k in range(plan.n_state):
            state[k] = s.state[k] + offset
        (<kernel_t><void*>plan.kernel)(
            s.p + offset, s.g + offset, state, row_of(plan, plan.pieces[i].segment),
            plan.pieces[i].count)


cdef void turn_share(void *context, int share) noexcept nogil:
    """Update the elements of one share, a few at a time, each time with what follows the rule."""
    cdef Plan *plan = <Plan*>context
    cdef Finish *finish = &plan.finish
    cdef Py_ssize_t i, k, at, stop, count, offset
    cdef Segment *s
    cdef void *state[12]
    cdef char *row
    cdef bint due
    for i in range(plan.first_piece[share], plan.first_piece[share + 1]):
        s = &plan.segments[plan.pieces[i].segment]
        row = row_of(plan, plan.pieces[i].segment)
        due = finish.always
        if plan.itemsize == 4:
            due |= (<float*>row)[L1] != 0 or (<float*>row)[LOOK] != 0
        else:
            due |= (<double*>row)[L1] != 0 or (<double*>row)[LOOK] != 0
        plan.pieces[i].kept = 0
        at, stop = plan.pieces[i].start, plan.pieces[i].start + plan.pieces[i].count
        while at < stop:
            count = min(TURN, stop - at)
            offset = at * plan.itemsize
            for k in range(plan.n_state):
                state[k] = s.state[k] + offset
            if finish.cautious:
                memcpy(state[finish.first], s.p + offset, count * plan.itemsize)
            (<kernel_t><void*>plan.kernel)(s.p + offset, s.g + offset, state, row, count)
            if finish.cautious:
                plan.pieces[i].kept += (<count_t><void*>finish.count)(
                    s.p + offset, s.g + offset, state + finish.first, row, count)
            elif due:
                (<kernel_t><void*>finish.kernel)(
                    s.p + offset, s.g + offset, state + finish.first, row, count)
            at += count


cdef void caution_share(void *context, int share) noexcept nogil:
    """Finish the elements of one share, now that it is known how many moves are kept."""
    cdef Plan *plan = <Plan*>context
    cdef Py_ssize_t i, k, offset
    cdef Segment *s
    cdef void *state[12]
    for i in range(plan.first_piece[share], plan.first_piece[share + 1]):
        s = &plan.segments[plan.pieces[i].segment]
        offset = plan.pieces[i].start * plan.itemsize
        for k in range(plan.finish.first, plan.n_state):
            state[k - plan.finish.first] = s.state[k] + offset
        (<kernel_t><void*>plan.finish.kernel)(
            s.p + offset, s.g + offset, state, row_of(plan, plan.pieces[i].segment),
            plan.pieces[i].count)
