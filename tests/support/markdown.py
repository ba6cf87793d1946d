"""Answers in Markdown for tests: one that has everything; the blocks of a text, read at once or in pieces."""

from markdown_it import MarkdownIt

from app.chat_view.blocks import Block
from app.chat_view.markdown_blocks import MarkdownBlocks

EVERYTHING = r"""# Softmax with temperature

Softmax turns logits `z` into probabilities; **temperature** *T* controls them. 日本語, مرحبا and 🎉👩‍💻.
See [the article](https://example.com/a_(b)) or https://example.org/x?y=1.

$$
p_i = \frac{e^{z_i/T}}{\sum_j e^{z_j/T}}
$$

1. Subtract the maximum first, so that `exp` cannot overflow.
2. Divide by $T$ *before* the exponential.
   - nested one
   - nested two

     with a second paragraph
       1. deeper

3. Third

- [x] done
- [ ] not done yet
- plain

```python
def softmax(z, temperature=1.0):
    # avoid overflow
    return z / temperature
```

| Temperature | Effect | Typical use |
|------------:|--------|:-----------:|
| 0.2 | Very **peaked** | Code, `extraction` |
| 0.7 | Balanced | Chat |
| 1.2 | Flat | Brainstorming $x^2$ |
| 1.5 | Very flat | Poems |

> A quote with *emphasis*
> over two lines
>
> > and one inside

---

The formula is
\[
E = mc^2
\]
and it ends here[^1], with a [link] defined below. ~~Gone~~.

    indented code

Heading
=======

[link]: https://example.net
[^1]: A footnote with **bold**.
"""


def read_whole(parser: MarkdownIt, source: str) -> list[Block]:
    """The blocks of a text that is complete."""
    blocks = MarkdownBlocks(parser)
    blocks.append(source)
    blocks.finish()
    return _read(blocks)


def read_streamed(parser: MarkdownIt, source: str, step: int) -> list[Block]:
    """The blocks of the same text when it arrives so many characters at a time."""
    blocks = MarkdownBlocks(parser)
    for start in range(0, len(source), step):
        blocks.append(source[start : start + step])
        _read(blocks)
    blocks.finish()
    return _read(blocks)


def _read(blocks: MarkdownBlocks) -> list[Block]:
    while blocks.is_behind:
        blocks.read()
    return blocks.blocks
