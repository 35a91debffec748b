"""Measurements; those with a ``main`` run in a process of their own, with the layer (``process.measured``)."""
