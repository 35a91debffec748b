"""Checks of the whole suite while it runs: no session token leaks, and no function exceeds or underuses its role."""
