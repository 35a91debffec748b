"""The documents show the examples that the tests run, as they are."""

import re

import pytest

from tools import ROOT

SHOWN = re.findall(r"```(?:python|sh)\n(.*?)```", (ROOT / "docs/authentication.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("sign_in_*")), ids=lambda path: path.name)
def test_document_shows_the_example(path: object) -> None:
    assert (ROOT / "examples" / str(path)).read_text() in SHOWN


def test_signing_in_with_iam_takes_ten_lines() -> None:
    lines = (ROOT / "examples/sign_in_with_iam.py").read_text().splitlines()
    code = [line for line in lines if line and not line.startswith(("import", "from", '"""'))]

    assert len(code) <= 10
