"""Benchmarks: each against a named peer in one run, with the machine and the command on record."""
