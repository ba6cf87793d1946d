from hypothesis import given
from hypothesis import strategies as st

from app.chat_view.shown_text import PLACEHOLDER, ShownText


@given(st.text(alphabet=st.sampled_from("ab\u00e9\u65e5\U0001f389\U0001f469"), max_size=40))
def test_positions_are_counted_as_qt_does_and_back(text: str) -> None:
    shown = ShownText(text)
    for position in range(len(text) + 1):
        units = len(text[:position].encode("utf-16-le")) // 2
        assert shown.shown(position) == units
        assert shown.position(units) == position
    assert shown.length == len(text.encode("utf-16-le")) // 2


def test_a_replaced_stretch_is_one_character() -> None:
    shown = ShownText("a x^2 🎉 b", [(2, 5)])
    assert shown.text == f"a {PLACEHOLDER} 🎉 b"
    assert [shown.shown(position) for position in (0, 2, 5, 6, 7, 9)] == [0, 2, 3, 4, 6, 8]
    assert [shown.position(unit) for unit in (2, 3, 4, 6)] == [2, 5, 6, 7]
