"""Measurements side by side, on this machine's disk; never part of the tests. `python -m bench` or `make bench`."""
