"""The application's icon as Windows and macOS want it, drawn from the one SVG: containers of PNG images.

    python -m installers.icons retort.svg TARGET        .ico or .icns, in an environment with PySide6

Sources: "The evolution of the ICO file format" (Microsoft, since Vista an entry may be a PNG); the types of
`icns` as `iconutil` writes them.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgRenderer

ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_SIZES = {b"ic11": 32, b"ic12": 64, b"ic07": 128, b"ic08": 256, b"ic09": 512, b"ic10": 1024}


def write_ico(svg: Path, target: Path) -> None:
    """Write the icon for Windows."""
    pictures = [(size, png(svg, size)) for size in ICO_SIZES]
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries = b""
    for size, picture in pictures:
        side = size % 256  # 0 stands for 256
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), offset)
        offset += len(picture)
    target.write_bytes(head + entries + b"".join(picture for _size, picture in pictures))


def write_icns(svg: Path, target: Path) -> None:
    """Write the icon for macOS."""
    parts = b""
    for kind, size in ICNS_SIZES.items():
        picture = png(svg, size)
        parts += kind + struct.pack(">I", len(picture) + 8) + picture
    target.write_bytes(b"icns" + struct.pack(">I", len(parts) + 8) + parts)


def png(svg: Path, size: int) -> bytes:
    """The drawing as a PNG of `size` by `size` pixels."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(svg)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())


if __name__ == "__main__":
    drawing, wanted = map(Path, sys.argv[1:])
    (write_ico if wanted.suffix == ".ico" else write_icns)(drawing, wanted)
