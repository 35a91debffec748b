"""Measurements; some run in a process of their own with the layer (`-m benchmarks.measurements.warm`, …)."""
