"""Side by side with what people use instead: `python -m benchmarks`, or `make bench`.

Whole processes, wall clock, medians, on one API server of their own. Nothing here is a test:
absolute times say little about other machines, so the table shows ratios beside them.
"""
