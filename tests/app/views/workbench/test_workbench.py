"""The workbench's page with the real engine: from a model to a quality card, and whatever may go wrong."""

import hashlib
import json
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from app.engine_link.host_process import HostProcess
from app.lists.job_list import JobEntry
from app.views.workbench.bench_control import BenchControl
from app.views.workbench.recipe_editor import RecipeEditor
from engine.contract.jobs import QuantizeJob, QuantizeResult
from engine.contract.paths import Paths
from engine.library.gguf import read_header
from tests.app.views.workbench.conftest import Wait, choose_type
from tests.support.builtin_models import BUILTIN_Q8_0
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.llama]
SLOW = "Q2_K"  # its search for scales takes longest of those without a matrix


def entries(bench: BenchControl) -> list[JobEntry]:
    return [bench.jobs.entry(row) for row in range(bench.jobs.rowCount())]


def press(button: object) -> None:
    QTest.keyClick(button, Qt.Key.Key_Space)  # type: ignore[call-overload]


def test_from_a_model_to_its_variants_side_by_side(
    bench: BenchControl, short_text: Path, tmp_path: Path, wait: Wait
) -> None:
    before = hashlib.sha256(BUILTIN_Q8_0.read_bytes()).hexdigest()
    groups = bench.model.map.groups
    assert sum(group.num_tensors for group in groups) == len(read_header(BUILTIN_Q8_0).tensors)
    assert len(bench.model.map.marks) == len(groups)
    choose_type(bench, "Q4_0")
    text = bench.quantize.text
    text.source.setCurrentIndex(text.source.findData("file"))
    text.source.activated.emit(1)
    assert bench.quantize.refusal.text() == "Choose the text file."
    text.file.set_path(str(short_text))
    target = tmp_path / "small.gguf"
    bench.quantize.target.set_path(str(target))
    wait(lambda: bench.quantize.outcome is not None and bench.quantize.start.isEnabled())
    outcome = bench.quantize.outcome
    assert outcome is not None
    assert f"{outcome.plan.size_bytes:,} bytes" in bench.quantize.plan.headline.text()
    press(bench.model.as_planned)
    assert sum(group.size_bytes for group in bench.model.map.groups) < sum(g.size_bytes for g in groups)
    press(bench.quantize.start)
    wait(lambda: not bench.jobs.is_busy)
    assert [entry.record.state for entry in entries(bench)] == ["done"] * 3
    assert entries(bench)[-1].words.startswith("small.gguf: ")
    assert target.stat().st_size == outcome.plan.size_bytes
    assert hashlib.sha256(BUILTIN_Q8_0.read_bytes()).hexdigest() == before
    wait(lambda: len(bench.quality.plot.variants) == 2)
    damages = {variant.name: variant.damage for variant in bench.quality.plot.variants}
    assert damages[BUILTIN_Q8_0.stem] == 0.0 < (damages["small"] or 0)
    assert all(variant.is_best for variant in bench.quality.plot.variants)
    bench.quality.show_card(str(target))
    assert bench.quality.card_title.text() == "Quality card of small"
    cards = tuple(card for card in bench.subject.cards if card.model == str(target))
    bench.quality.export_requested.emit(cards, str(tmp_path / "card.json"))
    wait(lambda: "Written: card.json" in bench.page.notice.text)
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))


def test_jobs_wait_in_an_order_that_can_be_changed_and_go_without_a_trace(
    bench: BenchControl, tmp_path: Path, wait: Wait
) -> None:
    recipe = json.dumps({"base": SLOW})
    ids = [
        bench.jobs.begin(QuantizeJob(source="builtin", target=str(tmp_path / f"{name}.gguf"), recipe=recipe))
        for name in "abc"
    ]
    wait(lambda: [e.record.state for e in entries(bench)] == ["running", "waiting", "waiting"])
    last = bench.queue.row(ids[2])
    assert last is not None
    assert last.down.isHidden()
    press(last.up)
    wait(lambda: [e.record.request_id for e in entries(bench)] == [ids[0], ids[2], ids[1]])
    assert bench.queue.row(ids[2]) is last  # the focus stays where it was
    for job_id in (ids[1], ids[0], ids[2]):
        row = bench.queue.row(job_id)
        assert row is not None
        press(row.cancel)
    wait(lambda: not bench.jobs.is_busy)
    assert {e.words for e in entries(bench)} == {"Cancelled. Nothing of it is left."}
    assert [path.name for path in tmp_path.iterdir()] == ["retort-home"]
    press(bench.queue.tidy)
    wait(lambda: bench.jobs.rowCount() == 0)
    assert not bench.queue.empty.isHidden()


def test_a_job_goes_on_by_itself_when_the_host_is_killed(
    bench: BenchControl, host_process: HostProcess, tmp_path: Path, wait: Wait
) -> None:
    target = tmp_path / "out.gguf"
    bench.jobs.begin(QuantizeJob(source="builtin", target=str(target), recipe=json.dumps({"base": SLOW})))
    wait(lambda: entries(bench)[0].progress is not None)
    psutil.Process(host_process.pid).kill()
    wait(lambda: entries(bench)[0].record.starts == 2)
    wait(lambda: entries(bench)[0].record.state == "done")
    assert isinstance(entries(bench)[0].record.result, QuantizeResult)
    assert read_header(target).size_bytes == target.stat().st_size


def test_a_source_that_has_lost_its_bits_is_said(bench: BenchControl, wait: Wait) -> None:
    choose_type(bench, "Q8_0")
    wait(lambda: bench.quantize.outcome is not None)
    assert "The source itself" not in bench.quantize.plan.note.text()
    bench.subject.choose("builtin")
    wait(lambda: "The source itself has only 4.6 bits per weight" in bench.quantize.plan.note.text())


def test_what_cannot_be_begun_says_why_on_the_form(bench: BenchControl, tmp_path: Path, wait: Wait) -> None:
    form = bench.quantize
    link = tmp_path / "link.gguf"
    link.symlink_to(BUILTIN_Q8_0)
    form.target.set_path(str(link))
    assert "never written to" in form.refusal.text()
    assert not form.start.isEnabled()
    form.target.set_path(str(tmp_path / "out.gguf"))
    assert form.refusal.text() == ""
    form.recipe.take_recipe('{"base": "Q4_K_M", "rules": [{"part": "nose", "type": "Q8_0"}]}')
    wait(lambda: "'nose' is no part of a model" in form.plan.headline.text())
    assert not form.start.isEnabled()
    form.recipe.open_editor()
    editor = form.recipe.findChild(RecipeEditor)
    assert editor is not None
    editor.text.setPlainText("{")
    assert not editor.take.isEnabled()
    editor.text.setPlainText('{"name": "Mine", "base": "Q8_0", "rules": [{"part": "norm", "type": "F32"}]}')
    editor.write(str(tmp_path / "mine.json"))
    press(editor.take)
    wait(form.start.isEnabled)
    assert form.recipe.name.text() == "“Mine”"
    form.recipe.open_file(str(tmp_path / "mine.json"))
    assert form.recipe.fault == ""
    form.recipe.way.setCurrentIndex(form.recipe.way.findData("size"))
    form.recipe.way.activated.emit(1)
    form.recipe.size_field.setText("nonsense")
    form.recipe.size_field.editingFinished.emit()
    assert "8 GiB" in form.refusal.text()
    form.recipe.size_field.setText("6 MiB")
    form.recipe.size_field.editingFinished.emit()
    wait(lambda: form.outcome is not None)
    assert form.outcome is not None
    assert form.outcome.plan.size_bytes <= 6 * 2**20
    assert "At most 6.0 MiB." in form.plan.note.text()


def test_a_job_that_fails_says_why_in_its_row_and_can_be_begun_again(
    bench: BenchControl, tmp_path: Path, wait: Wait
) -> None:
    missing = tmp_path / "gone" / "out.gguf"
    recipe = json.dumps({"base": "Q8_0"})
    job_id = bench.jobs.begin(QuantizeJob(source="builtin", target=str(missing), recipe=recipe))
    refused = bench.jobs.begin(QuantizeJob(source="/nowhere.gguf", target=str(missing), recipe=recipe))
    wait(lambda: not bench.jobs.is_busy)
    row, other = bench.queue.row(job_id), bench.queue.row(refused)
    assert row is not None
    assert other is not None
    assert "there is no such folder" in row.words.text()
    assert "/nowhere.gguf" in other.words.text()  # the host never took it on
    missing.parent.mkdir()
    press(row.again)
    wait(lambda: not bench.jobs.is_busy and missing.exists())
    assert bench.queue.row(job_id) is None


def test_a_checkpoint_that_is_dropped_is_converted_and_then_put_on_the_bench(
    bench: BenchControl, tmp_path: Path, wait: Wait
) -> None:
    folder = write_chat_checkpoint(tmp_path / "Checkpoint", DEEPSEEK)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    drop = QDropEvent(QPointF(QPoint(9, 9)), copy, mime, left, Qt.KeyboardModifier.NoModifier)
    bench.page.dropEvent(drop)
    wait(lambda: bench.subject.is_checkpoint)
    assert not bench.convert.isHidden()
    assert [bench.page.tabs.isTabEnabled(at) for at in range(4)] == [False, True, False, False]
    assert "MTP head" in {group.part for group in bench.model.map.groups}
    bench.convert.type.setCurrentIndex(bench.convert.type.findData("F32"))
    bench.convert.type.activated.emit(0)
    press(bench.convert.start)
    wait(lambda: not bench.jobs.is_busy)
    assert entries(bench)[0].record.state == "done", entries(bench)[0].words
    row = bench.queue.row(entries(bench)[0].record.request_id)
    assert row is not None
    press(row.show_result)
    wait(lambda: bench.subject.map is not None and not bench.subject.is_checkpoint)
    assert bench.subject.path == Path(bench.convert.target.path)
    wait(lambda: bench.quantize.outcome is not None)


def test_a_type_that_needs_a_matrix_gets_one_made_first(
    bench: BenchControl, tmp_path: Path, paths: Paths, wait: Wait
) -> None:
    form = bench.quantize
    form.target.set_path(str(tmp_path / "tiny.gguf"))
    choose_type(bench, "IQ2_XS")
    wait(lambda: form.outcome is not None and "IQ2_XS" in form.outcome.recipe)
    assert "importance matrix" in form.plan.note.text()
    wanted = form.wanted()
    assert wanted.matrix is not None
    assert wanted.quantize.importance == wanted.matrix.target == f"{tmp_path / 'tiny.gguf'}.imatrix.gguf"
    choose_type(bench, "Q8_0")
    wait(lambda: form.outcome is not None and "Q8_0" in form.outcome.recipe)
    assert form.wanted().matrix is None
    form.text.source.setCurrentIndex(form.text.source.findData("prompts"))
    form.text.source.activated.emit(2)
    assert "more prompts" in form.refusal.text()
    form.text.prompts.setPlainText("What is a still? " * 20)
    assert form.refusal.text() == ""
    measuring = form.wanted().measuring
    assert measuring is not None
    assert paths.data in Path(measuring.text).parents
    assert Path(measuring.text).stat().st_size > 300
