"""Where a download is damaged whose whole hash is wrong although every block is as it arrived.

Broken connections are where bytes get lost or doubled, so the blocks at the seams come first, then the others
in stretches that double in length: the whole is compared after each of them, which reads the file, and few
comparisons are enough. No block comes twice, so no more is fetched than the file once.
"""

from collections.abc import Iterator

from engine.library.journal import Journal

FIRST_STRETCH = 16  # blocks: 64 MiB


def suspects(journal: Journal) -> Iterator[list[int]]:
    """Blocks to fetch again, the likeliest first; each once."""
    num_blocks = len(journal.blocks)
    at_seams = {seam // journal.block_bytes for seam in journal.seams}
    at_seams |= {(seam - 1) // journal.block_bytes for seam in journal.seams if seam}
    seams = sorted(index for index in at_seams if index < num_blocks)
    if seams:
        yield seams
    rest = [index for index in range(num_blocks) if index not in at_seams]
    length = FIRST_STRETCH
    while rest:
        yield rest[:length]
        rest, length = rest[length:], 2 * length
