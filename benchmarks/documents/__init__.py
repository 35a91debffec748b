"""docs/performance.md, docs/costs.md and their plots, from the results of a run."""
