"""What is measured: in this process, or in children that run from the layer (`-m benchmarks.measurements.warm`, …)."""
