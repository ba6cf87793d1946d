import random

from hypothesis import given
from hypothesis import strategies as st

from app.chat_view.height_index import HeightIndex

HEIGHTS = st.lists(st.integers(0, 1000), max_size=80)


@given(HEIGHTS)
def test_rows_start_where_the_rows_before_them_end(heights: list[int]) -> None:
    index = HeightIndex(heights)
    assert [index.top(row) for row in range(len(heights) + 1)] == [
        sum(heights[:row]) for row in range(len(heights) + 1)
    ]
    assert index.total == sum(heights)


@given(HEIGHTS.filter(bool), st.data())
def test_a_changed_height_moves_what_is_below(heights: list[int], data: st.DataObject) -> None:
    index = HeightIndex(heights)
    row = data.draw(st.integers(0, len(heights) - 1))
    heights[row] = data.draw(st.integers(0, 1000))
    index.set_height(row, heights[row])
    assert [index.top(number) for number in range(len(heights))] == [
        sum(heights[:number]) for number in range(len(heights))
    ]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=80), st.data())
def test_a_row_is_found_by_any_y_inside_it(heights: list[int], data: st.DataObject) -> None:
    index = HeightIndex(heights)
    row = data.draw(st.integers(0, len(heights) - 1))
    y = index.top(row) + data.draw(st.integers(0, heights[row] - 1))
    assert index.row_at(y) == row


def test_above_and_below_all_rows_are_the_first_and_the_last() -> None:
    index = HeightIndex([10, 20, 30])
    assert (index.row_at(-5), index.row_at(1000)) == (0, 2)
    assert HeightIndex().row_at(0) == -1


def test_appending_and_changing_by_turns_agrees_with_plain_sums() -> None:
    chance = random.Random(7)
    index = HeightIndex()
    plain: list[float] = []
    for _ in range(500):
        if not plain or chance.random() < 0.5:
            plain.append(chance.uniform(0, 500))
            index.append(plain[-1])
        else:
            row = chance.randrange(len(plain))
            plain[row] = chance.uniform(0, 500)
            index.set_height(row, plain[row])
    assert abs(index.total - sum(plain)) < 1e-6
