"""The prompts of trials: plain prose, as people give it to a model to work on.

Real words matter: drafts that guess from the text, and experts that are chosen by it, cost nothing like the
truth on a text that repeats itself.
"""

_PASSAGES = (
    "The ferry left the island before the wind turned. On its deck a baker counted the crates of flour "
    "he had promised to bring, and came to eleven where there should have been twelve. He counted "
    "again, slowly, with a finger on each lid, while the captain watched him from the wheel and said "
    "nothing. A girl with a red scarf told him that one crate had been set down on the pier, beside the "
    "nets, and that a dog was sitting on it. The baker looked back. The pier was already small, the dog "
    "a brown dot. He laughed, because there was nothing else to do, and asked the girl whether she "
    "could knead dough with half as much flour.",
    "Bridges carry load in few ways. A beam bends: its upper side is pressed together and its lower "
    "side pulled apart, and what is in between does little work. An arch sends the load sideways into "
    "its feet, so stone will do, as stone is strong when pressed and weak when pulled. A cable is the "
    "arch turned over, it can only pull, and needs anchors as heavy as what it carries. Engineers "
    "choose by the ground and by the span: beams up to fifty metres or so, arches where there is rock "
    "on both banks, cables where nothing else reaches over. Wind is the other load. A deck that is thin "
    "as a wing may begin to swing like one.",
    "To plan the week, the school wrote down what it had: four rooms, six teachers, and one hundred and "
    "thirty children between seven and ten years old. Each class needed mathematics on four days, "
    "reading on five, and music once. Nobody could teach more than five hours a day, and the room with "
    "the piano was taken by the choir every Tuesday. The first plan put music on Tuesday and was thrown "
    "away. The second gave one teacher six hours on Friday. The third worked, but only because two "
    "classes shared the large room, and the older children read aloud to the younger ones, which turned "
    "out to be what everyone liked best.",
    "Bread, tea, two onions and a lamp: that was the list, and the shop had none of it but the lamp. "
    "The man behind the counter explained that the road was closed since the river had risen, that the "
    "lorry stood waiting on the other bank, and that he himself had eaten rice for three days. He lent "
    "her an umbrella. On the way home she met the neighbours, who had bread but no light, and so that "
    "evening they all sat around the lamp, cut the loaf into nine pieces, and spoke about the flood of "
    "the year in which the old mill went.",
)
_TASK = "Say in your own words what happens above, and go on from there with what could come next."


def prompt_of(number_of_words: int, number: int) -> str:
    """About so many words of prose and a task; the beginning is another one for every number."""
    first = number % len(_PASSAGES)
    passages = _PASSAGES[first:] + _PASSAGES[:first]
    words = " ".join(passages).split()
    while len(words) < number_of_words:
        words += words
    return f"Note {number}. {' '.join(words[:number_of_words])}\n\n{_TASK}"
