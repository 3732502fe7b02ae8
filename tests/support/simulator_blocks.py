"""Makes blocks of Numba's CUDA simulator meet at a barrier.

The simulator asks the threads of a block over and over whether all of them wait at
`syncthreads`, and holds Python's lock while it asks: a kernel that sums takes a tenth of a second
for each launch. With a barrier it takes a few milliseconds, and does the same.
"""

import threading

import numpy as np
from numba.cuda.simulator import kernel


def run(block, grid_point, *arguments):
    """Run the threads of a block, all of which wait as often as each other or not at all."""
    points = list(np.ndindex(*block._block_dim))
    barrier = threading.Barrier(len(points))

    def target():
        try:
            block._f(*arguments)
        except BaseException:
            barrier.abort()
            raise

    threads = [
        kernel.BlockThread(target, block, grid_point, point, block._debug) for point in points
    ]
    for thread in threads:
        thread.syncthreads = barrier.wait
        thread.start()
    for thread in threads:
        thread.join()
    errors = [thread.exception for thread in threads if thread.exception]
    # Those that the barrier let down are not the cause.
    for error, trace in sorted(
        errors, key=lambda e: isinstance(e[0], threading.BrokenBarrierError)
    ):
        raise error.with_traceback(trace)


def install():
    """Replace the simulator's way of running a block."""
    kernel.BlockManager.run = run
