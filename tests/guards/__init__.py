"""What the suite watches while it runs: that no session token leaks, and which AWS calls each function makes."""
