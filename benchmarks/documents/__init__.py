"""docs/performance.md, docs/costs.md and their plots, generated from the results of a run."""
