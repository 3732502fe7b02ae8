# A step on one row, for callers of other modules that have it as pointers.

cdef int step_on_row(
    void *loop, const char *x, const int64_t *code, const char *target, double *loss
) except -1:
    """Make one step on a row; return 0, or 1 if its loss or gradient was not finite."""
    cdef LinearLoop m = <LinearLoop>loop
    cdef fastlr_data data
    cdef Py_ssize_t done
    cdef double weight = 0
    cdef int status
    cdef unsigned int mode
    data.x, data.codes, data.targets = x, code, target
    data.weight, data.order, data.used = NULL, NULL, 1
    m.c.held = m.collected if 1 >= m.many else 0
    if m.stepper.length == m.stepper.plan.cursor:
        m.stepper.fill(1)
    loss[0] = 0
    mode = flush_subnormals()
    status = run_steps(m, &data, 1, 0, 1, &done, loss, &weight)
    restore_arithmetic(mode)
    return status


def row_step(LinearLoop loop not None):
    """Return the address of `step_on_row` in a capsule, for a loop whose gradients are attached."""
    loop.stepper.attach(loop.arena.grad)
    return PyCapsule_New(<void*>step_on_row, "fastlr.row_step", NULL)
