"""The picture of the live screen is what the command shows."""

from tools import ps_picture


def test_picture_is_up_to_date() -> None:
    assert ps_picture.PATH.read_text() == ps_picture.draw(), "run python -m tools.ps_picture"


def test_picture_loads_nothing() -> None:
    assert "url(http" not in ps_picture.draw()
