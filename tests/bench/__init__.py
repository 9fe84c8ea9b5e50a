"""Benches: `make bench`, `make bench NAME=first`. docs/bench.md says what is measured and how."""
