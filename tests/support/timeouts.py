"""The timeout of everything that a test waits for."""

# Only something that hangs takes this long, however busy the machine is.
HANG_SECONDS = 300
