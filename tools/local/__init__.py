"""The service on this machine: an AWS emulator, and template.yaml deployed to it by SAM CLI."""


class LocalError(Exception):
    """A local command cannot do its work; the message gives the reason and what to do."""
