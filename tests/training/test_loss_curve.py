"""The picture of a run."""

import json
from pathlib import Path
from xml.etree import ElementTree

from engine.training import loss_curve


def test_every_measured_curve_is_drawn(tmp_path: Path) -> None:
    records = [
        {"tokens": 1_000_000, "loss": 3.0},
        {"tokens": 1_000_000, "held_out": 4.0, "chats": 2.0},
        {"tokens": 2_000_000, "held_out": 3.0, "chats": 1.0},
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(record) for record in records))
    loss_curve.update(tmp_path)
    root = ElementTree.parse(tmp_path / "loss.svg").getroot()
    lines = [element.attrib["points"].split() for element in root if element.tag.endswith("polyline")]
    assert [len(points) for points in lines] == [2, 2]
    heights = [[float(point.split(",")[1]) for point in points] for points in lines]
    assert all(first < second for first, second in heights)  # the loss falls: lower in the picture


def test_a_run_that_has_measured_nothing_has_empty_axes(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("")
    loss_curve.update(tmp_path)
    ElementTree.parse(tmp_path / "loss.svg")
