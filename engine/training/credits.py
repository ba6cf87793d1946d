"""The credits of every story that the built-in model was trained on, as their licences ask.

`python -m engine.training.credits --data ../shared/data --seed N --out resources/builtin/STORIES.md`
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from engine.training.data import RealStory, read_corpus

SOURCES = {
    "pratham": ("Pratham Books", "StoryWeaver by Pratham Books"),
    "african-storybook": ("African Storybook", "the African Storybook initiative"),
}
HEAD = """# The stories that the built-in model was trained on

Each with its licence and its credits, as its own file states them. The texts were changed for training: page
marks and line breaks removed, quotation marks made straight. None of them is shipped as text.
"""


def story_line(story: RealStory) -> str:
    """One story with its licence and everybody whom it credits."""
    return f"- {story.title} ({story.licence}). {'; '.join(story.credits)}"


def credit_list(stories: Iterable[RealStory]) -> str:
    """The credits as Markdown, by source and title."""
    parts = [HEAD]
    listed = sorted(stories, key=lambda story: story.title.lower())
    for source, (name, published_by) in SOURCES.items():
        lines = [story_line(story) for story in listed if story.source == source]
        parts.append(
            f"## {name}\n\n{len(lines)} stories, published by {published_by}.\n\n" + "\n".join(lines) + "\n"
        )
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> None:
    """Write the credits from the command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.credits", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--seed", type=int, default=1, help="the seed of the training, which chose the stories"
    )
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    corpus = read_corpus(options.data, seed=options.seed)
    options.out.write_text(credit_list(corpus.stories), encoding="utf-8")


if __name__ == "__main__":
    main()
