"""Benchmarks that a sceptic would run: every claim of speed beside what would be taken instead.

``python -m bench`` runs them in a checkout, on the machine at hand. `workloads` has the data,
`contenders` who works on them, `suites` what is timed, `measure` how, and `show` what comes out.
``pytest bench`` has the same contenders one by one, for pytest-benchmark (`one_by_one`). `studies`
and `gpu` judge values as well as times, and ``bench/instructions.py`` counts instructions. A peer
that is not installed is left out by name; nothing is imported before it is needed.
"""
