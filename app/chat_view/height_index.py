"""Heights of rows and where each row starts, as a Fenwick tree: every question takes O(log n) steps."""

from collections.abc import Iterable


class HeightIndex:
    """Heights may be estimates; a row's height can be set at any time."""

    def __init__(self, heights: Iterable[float] = ()) -> None:
        self._heights = list(heights)
        self._total = sum(self._heights)
        self._tree = [0.0, *self._heights]  # 1-based; node i sums the i & -i rows that end with row i - 1
        for node in range(1, len(self._tree)):
            above = node + (node & -node)
            if above < len(self._tree):
                self._tree[above] += self._tree[node]

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, row: int) -> float:
        return self._heights[row]

    @property
    def total(self) -> float:
        """The height of all rows together."""
        return self._total

    def append(self, height: float) -> None:
        """Add a row at the end."""
        self._heights.append(height)
        self._total += height
        node = len(self._heights)
        total = height
        step = 1
        while step < node & -node:  # the nodes below this one
            total += self._tree[node - step]
            step *= 2
        self._tree.append(total)

    def truncate(self, num_rows: int) -> None:
        """Forget the rows from a number on."""
        self._total -= sum(self._heights[num_rows:])
        del self._heights[num_rows:]
        del self._tree[num_rows + 1 :]  # a node sums rows before it only

    def set_height(self, row: int, height: float) -> None:
        """Replace a row's height."""
        difference = height - self._heights[row]
        if not difference:
            return
        self._total += difference
        self._heights[row] = height
        node = row + 1
        while node < len(self._tree):
            self._tree[node] += difference
            node += node & -node

    def top(self, row: int) -> float:
        """Where a row starts: the height of all rows before it."""
        total = 0.0
        node = row
        while node > 0:
            total += self._tree[node]
            node -= node & -node
        return total

    def row_at(self, y: float) -> int:
        """The row that covers y; the first one above all rows, the last one below them; -1 without rows."""
        node, step = 0, 1
        while step * 2 < len(self._tree):
            step *= 2
        rest = y
        while step:
            following = node + step
            if following < len(self._tree) and self._tree[following] <= rest:
                node = following
                rest -= self._tree[following]
            step //= 2
        return min(node, len(self._heights) - 1)
