"""From token pieces to text, one piece at a time, never showing half a character."""

import codecs


class Detokenizer:
    """Joins the bytes of pieces into characters; constant work per piece.

    Bytes that can never become a character turn into U+FFFD as soon as that is certain.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, piece: bytes) -> str:
        """The characters that are complete now."""
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """What an answer's last bytes stand for, half characters as U+FFFD."""
        return self._decoder.decode(b"", final=True)
