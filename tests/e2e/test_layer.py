"""The built layer names its dependencies, so that scanners find their versions."""

import re
from importlib.metadata import distributions

import pytest

from benchmarks.service import LAYER
from tools import ROOT


@pytest.mark.usefixtures("emulator")
def test_metadata_in_the_layer_equals_the_pinned_versions() -> None:
    pins = (ROOT / "layers/agent_sessions/requirements.txt").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", pins, re.MULTILINE))

    assert {each.name.lower().replace("_", "-"): each.version for each in distributions(path=[str(LAYER)])} == pinned


@pytest.mark.usefixtures("emulator")
def test_metadata_lists_no_command_and_no_file() -> None:
    # Both would name what the layer does not contain.
    assert not [*LAYER.glob("*.dist-info/RECORD"), *LAYER.glob("*.dist-info/entry_points.txt")]
