"""Latency, cold start, memory and the machine's state: what a board and the benchmarks share.

Modules here return values; `minivgg_edge.cli.bench` and the suites in `benchmarks` show them.
Nothing of this is imported by `Classifier`.
"""
