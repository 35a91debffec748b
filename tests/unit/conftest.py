"""Tests in this folder open no socket."""

from tests.support.network import no_network

__all__ = ["no_network"]
