"""Languages are told apart where they are clear; drifts are noticed, and ordinary answers are left alone."""

import itertools
import json
import random
from pathlib import Path

import pytest

from engine.chat.language import LOOK_INTERVAL, LanguageWatch, ScriptFilter, language_of, named_languages

ENGLISH = (
    "Let me think about what the question asks for. First we have to find the number of apples that were in "
    "the basket, and then take away those which the children have eaten on their way home. "
)
OTHERS = {
    "de": "Zuerst überlegen wir, wie viele Äpfel in dem Korb waren, und dann ziehen wir die ab, die "
    "von den Kindern auf dem Weg nach Hause gegessen wurden. Es ist nicht schwer, aber man "
    "kann sich leicht irren. ",
    "fr": "D'abord, il faut trouver le nombre de pommes qui étaient dans le panier, et puis enlever "
    "celles que les enfants ont mangées sur le chemin. Ce n'est pas difficile, mais on peut se "
    "tromper avec les nombres. ",
    "es": "Primero hay que encontrar el número de manzanas que había en la cesta, y después quitar "
    "las que los niños se han comido por el camino. No es difícil, pero con los números "
    "también se puede uno equivocar. ",
    "it": "Prima dobbiamo trovare il numero di mele che erano nella cesta, e poi togliere quelle che "
    "i bambini hanno mangiato per strada. Non è difficile, ma con i numeri si può anche "
    "sbagliare, e questo lo so. ",
    "pt": "Primeiro temos de encontrar o número de maçãs que estavam na cesta, e depois tirar as que "
    "as crianças comeram no caminho. Não é difícil, mas com os números também se pode errar, e "
    "isso é muito comum. ",
    "nl": "Eerst moeten we het aantal appels vinden dat in de mand zat, en dan de appels aftrekken "
    "die de kinderen op weg naar huis hebben gegeten. Het is niet moeilijk, maar je kan je wel "
    "vergissen. ",
    "zh": "首先我们需要找出篮子里原来有多少个苹果，然后减去孩子们在回家路上吃掉的那些。这并不难，但是很"
    "容易算错。",
    "ja": "まず、かごの中にりんごがいくつあったかを調べて、それから子どもたちが帰り道に食べた数を引きま"
    "す。難しくはありません。",
    "ko": "먼저 바구니에 사과가 몇 개 있었는지 알아낸 다음 아이들이 집에 가는 길에 먹은 "
    "것을 빼야 합니다. 어렵지 않습니다.",
    "ru": "Сначала нужно узнать, сколько яблок было в корзине, а потом отнять те, которые дети съели "
    "по дороге домой. Это не трудно, но легко ошибиться. ",
    "ar": "أولا علينا أن نعرف كم تفاحة كانت في السلة ثم نطرح منها ما أكله الأطفال في طريقهم إلى "
    "البيت وهذا ليس صعبا",
}


def tokens_of(text: str) -> list[str]:
    """Pieces about as long as tokens are."""
    return [text[start : start + 3] for start in range(0, len(text), 3)]


def stretch(text: str) -> str:
    """Enough of a text for two looks."""
    return text * (800 // len(text) + 1)


def drift_of(conversation: list[str], answer: str) -> str:
    watch = LanguageWatch(conversation)
    for piece in tokens_of(answer):
        watch.feed(piece)
    return watch.drifted_to


@pytest.mark.parametrize(("code", "text"), [("en", ENGLISH), *OTHERS.items()])
def test_every_language_is_told_by_two_sentences(code: str, text: str) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42 + 17 = 59",
        "Hello!",
        "```python\nfor the_of in and_to: is_that(it)\n```",
        "Berlin Paris London Rom",
    ],
)
def test_what_is_not_clear_is_no_language(text: str) -> None:
    assert language_of(text) == ""


@pytest.mark.parametrize(("code", "text"), OTHERS.items())
def test_a_planted_drift_is_found_in_every_direction(code: str, text: str) -> None:
    assert drift_of([ENGLISH], 5 * ENGLISH + stretch(text)) == code
    assert drift_of([text], stretch(text) + 5 * ENGLISH) == "en"


@pytest.mark.parametrize(("code", "text"), OTHERS.items())
def test_an_answer_in_the_language_of_the_question_is_no_drift(code: str, text: str) -> None:
    assert drift_of([text], 12 * text) == ""
    assert drift_of([ENGLISH, text], 5 * ENGLISH + stretch(text)) == ""


def test_a_language_that_was_asked_for_is_no_drift() -> None:
    assert drift_of([ENGLISH + "Translate that into French, please."], stretch(OTHERS["fr"])) == ""
    assert drift_of([ENGLISH + "用中文回答"], stretch(OTHERS["zh"])) == ""
    assert named_languages("auf Deutsch, s'il vous plaît, and in 日本語") == {"de", "ja"}


def test_a_quotation_is_no_drift() -> None:
    assert drift_of([ENGLISH], 4 * ENGLISH + OTHERS["de"][:120] + 4 * ENGLISH) == ""


def test_without_a_clear_question_nothing_is_said() -> None:
    assert drift_of(["Hi!"], stretch(OTHERS["zh"])) == ""


def test_real_answers_raise_nothing_and_planted_drifts_in_them_are_found(shared_data: Path) -> None:
    lines = (shared_data / "chat" / "open-assistant.jsonl").read_text(encoding="utf-8").splitlines()
    talks = [[turn["content"] for turn in json.loads(line)["messages"]] for line in lines]
    clear = [(talk[0], " ".join(talk[1::2])) for talk in talks if language_of(talk[0]) == "en"]
    long = [(asked, answer) for asked, answer in clear if len(answer) > 600][:200]
    assert len(long) > 100
    false = [(asked, drift) for asked, answer in long if (drift := drift_of([asked], answer))]
    assert false == []
    draw = random.Random(1)
    for (asked, answer), code in zip(draw.sample(long, 20), itertools.cycle(OTHERS), strict=False):
        if code not in named_languages(asked):
            assert drift_of([asked], answer[: draw.randrange(600)] + stretch(OTHERS[code])) == code


def test_looking_costs_the_same_however_long_the_answer_is() -> None:
    watch = LanguageWatch([ENGLISH])
    for piece in tokens_of(300 * ENGLISH):
        watch.feed(piece)
    assert len(watch._recent) < 300 + 3 * LOOK_INTERVAL


def test_foreign_pieces_are_told_by_their_letters() -> None:
    latin = ScriptFilter(frozenset({"LATIN"}))
    foreign = ["苹果", " и", "ない", "사과", "ال"]
    assert all(latin.is_foreign(piece.encode()) for piece in foreign)
    assert latin.is_foreign("苹".encode()[:2])
    assert not any(
        latin.is_foreign(piece.encode()) for piece in ["apple", " ", "1234", "é", "。", "😀", "==", "α"[:0]]
    )
    japanese = ScriptFilter(frozenset({"HIRAGANA"}))
    assert not japanese.is_foreign("苹果".encode())
    assert japanese.is_foreign("яблоко".encode())
