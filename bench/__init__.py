"""Benchmarks that a sceptic would run: every claim of speed beside what would be taken instead.

``fastlr bench`` runs them on the machine at hand. What is measured (`workloads`), by whom
(`contenders`) and how it is put together (`suites`) are told apart, and the pytest-benchmark files
of the source repository's ``bench`` folder use the same. Peers that are not installed are left out
by name; nothing of this is imported before it is asked for.
"""
