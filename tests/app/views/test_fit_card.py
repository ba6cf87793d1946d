"""The memory ledger and the origin of a model, as cards."""

import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.application import Application
from app.theme.theme import Theme
from app.views.fit_bar import FitBar, part_colour
from app.views.fit_card import FitCard
from app.views.model_cards import ModelCards
from app.views.provenance_card import ProvenanceCard
from engine.contract.fit_messages import DeviceMemory, FitLine, FitSpeed, FitStep, FitTold
from engine.contract.params import LoadParams
from engine.contract.provenance_messages import HashedFile, Provenance, TemplateLook
from tests.support.window import WAIT_MS

GB = 10**9
RAM = DeviceMemory(name="CPU", is_gpu=False, free_bytes=16 * GB, total_bytes=32 * GB)
GPU = DeviceMemory(
    name="CUDA0", is_gpu=True, free_bytes=10 * GB, total_bytes=12 * GB, description="Some card"
)
TOLD = FitTold(
    request_id="a",
    model="m",
    backend="llama",
    context_length=8192,
    trained_context_length=32768,
    num_positions=10240,
    lines=(
        FitLine(part="weights", device="CUDA0", predicted_bytes=3 * GB),
        FitLine(part="latent", device="CUDA0", predicted_bytes=2 * GB),
        FitLine(part="experts", device="CPU", predicted_bytes=12 * GB),
    ),
    devices=(RAM, GPU),
    where="experts_in_ram",
    reason="r",
    load=LoadParams(),
    speed=FitSpeed(slowest_tps=4.2, fastest_tps=21.0),
)


def test_a_card_says_where_every_part_goes_and_how_fast_it_will_be(theme: Theme, qtbot: QtBot) -> None:
    card = FitCard(theme)
    qtbot.addWidget(card)
    assert card.isHidden()
    card.show_told(TOLD)
    lines = card.text.splitlines()
    assert "It fits: the experts go into memory, the rest onto the graphics card." in lines
    assert "Some card: 10.0 GB of 12.0 GB free now" in lines
    assert lines[lines.index("Latent cache") + 1] == "2.0 GB"
    assert "Together 5.0 GB" in lines
    assert any("4.2 to 21 tokens per second" in line for line in lines)
    assert card.accessibleDescription() == card.text


def test_what_it_really_took_stands_beside_it(theme: Theme, qtbot: QtBot) -> None:
    card = FitCard(theme)
    qtbot.addWidget(card)
    lines = (FitLine(part="weights", device="CPU", predicted_bytes=3 * GB, actual_bytes=3 * GB + GB // 10),)
    card.show_told(_changed(lines=lines, devices=(RAM,), where="cpu"))
    assert "really 3.1 GB" in card.text
    assert "Together 3.0 GB predicted, 3.1 GB really taken" in card.text


def test_what_would_take_less_is_offered_where_it_does_not_fit(theme: Theme, qtbot: QtBot) -> None:
    card = FitCard(theme)
    qtbot.addWidget(card)
    step = FitStep(change="half_context", load=LoadParams(), predicted_bytes=9 * GB, where="cpu")
    card.show_told(_changed(where="disk", steps=(step,)))
    assert "Half the context length: 9.0 GB. It fits: all of it goes into the memory" in card.text
    card.show_told(None)
    assert card.isHidden()


def _changed(**values: object) -> FitTold:
    fields = {name: getattr(TOLD, name) for name in TOLD.__struct_fields__}
    return FitTold(**(fields | values))


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_bar_has_every_part_in_its_share(theme: Theme, qtbot: QtBot, choice: str) -> None:
    theme.choose("light" if choice == "light" else "dark")
    lines = (
        FitLine(part="weights", device="CPU", predicted_bytes=8 * GB),
        FitLine(part="compute", device="CPU", predicted_bytes=4 * GB),
    )
    bar = FitBar(RAM, lines, theme)
    qtbot.addWidget(bar)
    bar.resize(321, 22)
    image: QImage = bar.grab().toImage()
    colours = [image.pixelColor(x, 11) for x in (100, 200, 260, 300)]
    tokens = theme.tokens
    assert colours[0] == QColor(tokens.line)  # used by others: half of it
    assert colours[1] == part_colour("weights", tokens)
    assert colours[2] == part_colour("compute", tokens)
    assert colours[3] == QColor(tokens.hovered)  # stays free
    assert not bar.overflows
    theme.choose("system")


def test_an_origin_s_warnings_come_first_and_nothing_of_it_is_a_link(theme: Theme, qtbot: QtBot) -> None:
    card = ProvenanceCard(theme)
    qtbot.addWidget(card)
    card.show_provenance(
        Provenance(
            source="hf.co/p/r",
            author="new",
            claims=(("description", "<a href='http://x'>x</a>"),),
            files=(HashedFile(name="m.gguf", size_bytes=5, sha256="ab" * 32),),
            template=TemplateLook(size_bytes=2000, sha256="c", concerns=(("include", "import"),)),
            warnings=(("author_changed", "old, new"), ("template_suspicious", "include")),
        )
    )
    assert card.warnings.splitlines()[0] == "The author of its repository has changed: old, new."
    assert card.facts["Description"] == "<a href='http://x'>x</a>"
    assert card.facts["Hash of the file"] == "ab" * 32
    assert card.facts["Chat template"] == "2 KB"


@pytest.mark.llama
def test_the_details_of_a_model_have_both_cards(application: Application, qtbot: QtBot) -> None:
    pages = application.workings.model_pages
    qtbot.waitUntil(lambda: bool(application.workings.library.models), timeout=WAIT_MS)
    pages.show_model("builtin")
    cards = pages.library_page.details.findChild(ModelCards)
    assert cards is not None
    qtbot.waitUntil(lambda: cards.fit.told is not None and bool(cards.provenance.facts), timeout=WAIT_MS)
    assert cards.fit.told is not None
    assert cards.fit.told.where == "cpu"
    assert cards.provenance.facts["Licence"] == "apache-2.0"
