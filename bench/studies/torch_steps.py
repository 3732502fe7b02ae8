"""Steps of `fastlr.torch` beside torch's fused ones, over the sizes of ordinary models.

Each line is one rule on one set of tensors: microseconds a step, medians of interleaved rounds,
and the ratio. Gradients are put in place anew before every step, as a backward pass does, and
that time is left out. A round of torch's own loop is not shown: it is slower than the fused step.

    python -m bench.studies.torch_steps              # one thread, then two; 2 minutes
    python -m bench.studies.torch_steps --quick
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

import fastlr.torch

SIZES = {
    "64-64-10, 6 tensors": ([(64, 64), (64,), (64, 64), (64,), (10, 64), (10,)], 400),
    "50 of 1,000": ([(1000,)] * 50, 100),
    "1 of 100,000": ([(100_000,)], 100),
    "1 of 1,000,000": ([(1_000_000,)], 20),
    "1 of 10,000,000": ([(10_000_000,)], 3),
}
RULES = {"AdamW": {}, "SGD": {"momentum": 0.9}, "Adagrad": {}}  # those that torch fuses
ROUNDS = 9


def step_time(optimizer, params, grads, steps):
    """Return microseconds for a step, with gradient tensors that are new at each."""
    spent = 0.0
    for _ in range(steps):
        for p, g in zip(params, grads, strict=True):
            p.grad = g.detach()  # another tensor over the same memory
        before = time.perf_counter()
        optimizer.step()
        spent += time.perf_counter() - before
    return spent / steps * 1e6


def compare(rule, shapes, steps, settings, rounds):
    """Return medians of ours and of torch's fused step."""
    times = {"ours": [], "fused": []}
    made = {}
    for name, make, more in (
        ("ours", getattr(fastlr.torch, rule), {}),
        ("fused", getattr(torch.optim, rule), {"fused": True}),
    ):
        params = [torch.randn(s, requires_grad=True) for s in shapes]
        made[name] = make(params, lr=1e-4, **settings, **more), params
    grads = [torch.randn(s) for s in shapes]
    for _ in range(rounds + 1):
        for name, (optimizer, params) in made.items():
            times[name].append(step_time(optimizer, params, grads, steps))
    return [statistics.median(each[1:]) for each in times.values()]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="AdamW alone, few rounds")
    quick = parser.parse_args().quick
    rules = {"AdamW": {}} if quick else RULES
    print("| tensors | rule | threads | fastlr.torch, us | torch fused, us | ratio |")
    print("|---|---|---|---|---|---|")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for size, (shapes, steps) in SIZES.items():
            for rule, settings in rules.items():
                ours, fused = compare(rule, shapes, steps, settings, 2 if quick else ROUNDS)
                print(
                    f"| {size} | {rule} | {threads} | {ours:.1f} | {fused:.1f} "
                    f"| {fused / ours:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
