"""Peak memory of a fit above its data, and of a step above its parameters, in fresh processes.

Data are made and a small fit brings in code before the kernel's peak mark is reset; then comes
what is measured. Linux only: the mark is ``VmHWM`` of ``/proc/self/status``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..contenders.memory import STEPS, models
from ..measure import fresh
from ..measure.peers import load
from ..measure.plan import Plan
from ..measure.record import Record
from ..measure.timing import Spread

CODE = """
from bench.contenders import memory
from bench.suites.memory import rise
print(list(rise(*memory.{maker}({name!r}, {size}))))
"""


def status(name: str) -> int:
    """Return a field of the process's status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(ln.split()[1]) * 1024 for ln in lines if ln.startswith(name + ":"))


def rise(size: int, call: Callable[[], Any]) -> tuple[int, int]:
    """Return the bytes of the data, and of the peak above what was there before a call."""
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    call()
    return size, status("VmHWM") - before


def run(plan: Plan) -> list[Record]:
    """Measure everything, each in processes of its own."""
    if not Path("/proc/self/clear_refs").exists():
        plan.failed["memory"] = "needs /proc, which only Linux has"
        return []
    found = []
    kinds = {name: kind for name, (kind, _) in models().items()}
    fits = plan.pick(list(kinds), ["fastlr LinearClassifier", "SGDClassifier"])
    rows = plan.pick(20_000, 500)
    for name in fits:
        found += _measure(plan, f"fit, {kinds[name]}, {rows:,} rows", name, "fit_of", rows)
    size = plan.pick(10_000_000, 100_000)
    for name, needs in STEPS.items():
        if (needs is None or load(needs) is not None) and not (plan.quick and needs):
            found += _measure(plan, f"state and steps of AdamW, {size:,}", name, "step_of", size)
    return found


def _measure(plan: Plan, case: str, name: str, maker: str, size: int) -> list[Record]:
    code = CODE.format(maker=maker, name=name, size=size)
    peaks, data = [], 0
    for _ in range(1 if plan.quick or plan.late else 2):
        answer = plan.attempt(name, lambda: fresh.run(code))
        if answer is None:
            return []
        data, peak = answer
        peaks.append(float(peak))
    plan.say(f"memory: {name}, {case}")
    spread = Spread.of(peaks)
    return [
        Record("memory", case, name, spread, "bytes", more={"of the data": spread.median / data})
    ]
