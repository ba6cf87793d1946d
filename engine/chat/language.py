"""Noticing that an answer has slipped into another language than the conversation's.

Distilled reasoning models do that: asked in English, they go on in Chinese in the middle of a thought. What
language a stretch of text is in is told by its script, and among languages in Latin letters by their
commonest words. Both are tables; a stretch that is not clearly one language counts as none.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

LOOK_INTERVAL = 64  # tokens between two looks
LOOKED_AT = 300  # characters at the end of the text
LOOKS_NEEDED = 2  # one after the other: a quotation passes, a drift does not
LEAST_LETTERS = 60  # of a text, in a script whose words are long
LEAST_SIGNS = 12  # of a script in which a sign is a syllable or a word
CLEAR_SHARE = 0.6  # of the letters in one script
LEAST_WORDS = 12
LEAST_HITS = 4  # commonest words found
LEAST_HIT_SHARE = 0.15  # of all words
CLEAR_LEAD = 1.5  # over the language in second place

_SCRIPT_LANGUAGES = {
    "HANGUL": "ko",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "ARABIC": "ar",
    "CYRILLIC": "ru",
    "CJK": "zh",
}
_DENSE_SCRIPTS = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})
_KANA_SHARE = 0.08  # of Japanese text at least, in which most other signs are Chinese ones
_COMMON_WORDS: dict[str, frozenset[str]] = {
    "en": frozenset(
        "the of and to in is that it was for on are with as be at this have from or by not but what all were "
        "when we there can an your which their if do will each how them then so these would about you they "
        "i he she his her my me".split()
    ),
    "de": frozenset(
        "der die das und ist in zu den von mit nicht ein eine auf für sich des dem es im auch als an er sie "
        "wie dass oder wir ich aber einen sind bei wird nach aus einer um noch nur über vor zum zur kann war "
        "haben du man wenn".split()
    ),
    "fr": frozenset(
        "le la les de des et est un une en que qui dans pour pas sur ce il elle je vous nous avec plus par "
        "au du se ne sont mais ou cette comme être fait aux leur bien tout peut son sa ses c'est d'un".split()
    ),
    "es": frozenset(
        "el la los las de del y es en que un una por con para no se su lo como más pero sus al este esta "
        "está le ya o cuando sin sobre también me hasta hay donde muy entre son ser tiene yo".split()
    ),
    "it": frozenset(
        "il lo la i gli le di del della e è in che un una per con non si su come più ma anche da al alla dei "
        "sono questo questa nel nella ha ho mi ti ci se o perché cosa quando molto essere".split()
    ),
    "pt": frozenset(
        "o a os as de do da dos das e é em que um uma para com não se no na por mais como mas ao ou seu sua "
        "isso este esta são foi ser tem eu você também muito já pelo pela quando".split()
    ),
    "nl": frozenset(
        "de het een en van is in dat op te voor met niet zijn die aan er om ook als maar bij of uit naar dan "
        "nog wel je ik hij ze wij dit deze wordt kan heeft worden door over".split()
    ),
}
_NAMES = {
    "en": "english englisch anglais inglés inglese inglês engels 英语 英文 英語",
    "de": "german deutsch deutsche deutschen allemand alemán tedesco alemão duits 德语 德文 ドイツ語",
    "fr": "french französisch französische français francés francese francês frans 法语 フランス語",
    "es": "spanish spanisch spanische espagnol español spagnolo espanhol spaans 西班牙语 スペイン語",
    "it": "italian italienisch italienische italien italiano italiaans 意大利语 イタリア語",
    "pt": "portuguese portugiesisch portugiesische portugais portugués portoghese português 葡萄牙语",
    "nl": "dutch niederländisch niederländische néerlandais holandés olandese holandês nederlands 荷兰语",
    "zh": "chinese chinesisch chinesische chinois chino cinese chinês mandarin 中文 汉语 漢語 中国語",
    "ja": "japanese japanisch japanische japonais japonés giapponese japonês 日语 日文 日本語 kanji",
    "ko": "korean koreanisch koreanische coréen coreano 韩语 韓国語 한국어",
    "ru": "russian russisch russische russe ruso russo ukrainian ukrainisch bulgarian 俄语 русский",
    "ar": "arabic arabisch arabische arabe árabe arabo persian farsi urdu 阿拉伯语",
    "hi": "hindi sanskrit nepali marathi",
    "el": "greek griechisch griechische grec griego greco grego",
    "he": "hebrew hebräisch hebräische hébreu hebreo ebraico hebraico",
    "th": "thai thailändisch thaï tailandés",
}
# first bytes of UTF-8 characters, for tokens that hold a part of one: which script they begin
_LEADS = {"CYRILLIC": (0xD0, 0xD3), "ARABIC": (0xD8, 0xDB), "CJK": (0xE4, 0xE9), "HANGUL": (0xEA, 0xED)}
_NO_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\\\(.*?\\\)|\\\[.*?\\\]|https?://\S+", re.S)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@lru_cache(maxsize=8192)
def script_of(character: str) -> str:
    """The script of a letter by its name in Unicode, for example "LATIN"; empty for all that is no letter."""
    if not character.isalpha():
        return ""
    return unicodedata.name(character, "").partition(" ")[0]


def scripts_of(text: str) -> Counter[str]:
    """How many letters a text has of every script."""
    counts = Counter(map(script_of, text))
    counts.pop("", None)
    return counts


def language_of(text: str) -> str:
    """The code of the language that a text is clearly in, such as "en"; empty where it is not clear."""
    prose = _NO_PROSE.sub(" ", text)
    scripts = scripts_of(prose)
    letters = scripts.total()
    if not letters:
        return ""
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    if kana >= _KANA_SHARE * letters and kana + scripts["CJK"] >= max(LEAST_SIGNS, CLEAR_SHARE * letters):
        return "ja"
    script, count = scripts.most_common(1)[0]
    if count < CLEAR_SHARE * letters or count < (LEAST_SIGNS if script in _DENSE_SCRIPTS else LEAST_LETTERS):
        return ""
    return _by_common_words(prose) if script == "LATIN" else _SCRIPT_LANGUAGES.get(script, "")


def _by_common_words(prose: str) -> str:
    words = [word.replace("’", "'").casefold() for word in _WORD.findall(prose)]
    if len(words) < LEAST_WORDS:
        return ""
    hits = Counter({code: sum(word in common for word in words) for code, common in _COMMON_WORDS.items()})
    (best, most), (_, second) = hits.most_common(2)
    is_clear = most >= max(LEAST_HITS, LEAST_HIT_SHARE * len(words)) and most >= CLEAR_LEAD * second
    return best if is_clear else ""


def named_languages(text: str) -> frozenset[str]:
    """Languages that a text speaks of: an answer in one of them may well be what is wanted."""
    folded = text.casefold()
    words = set(_WORD.findall(folded))
    return frozenset(
        code
        for code, names in _NAMES.items()
        if any(name in words or (not name.isascii() and name in folded) for name in names.split())
    )


class LanguageWatch:
    """Follows one answer and says when it has left the languages of its conversation."""

    def __init__(self, conversation: Iterable[str]) -> None:
        """`conversation` is what people have said in it so far, and what its system prompt says."""
        texts = list(conversation)
        languages = {language_of(text) for text in texts} - {""}
        self._allowed = languages.union(*map(named_languages, texts)) if languages else frozenset()
        self._recent = ""
        self._since_look = 0
        self._foreign_looks: list[str] = []
        self.drifted_to = ""  # the code of the language it has slipped into; empty while it has not

    def feed(self, text: str) -> None:
        """Take what one more token has brought."""
        if not self._allowed or self.drifted_to:
            return
        self._recent += text
        self._since_look += 1
        if self._since_look >= LOOK_INTERVAL:
            self._since_look = 0
            self._look()

    def _look(self) -> None:
        self._recent = self._recent[-LOOKED_AT:]
        language = language_of(self._recent)
        if not language or language in self._allowed:
            self._foreign_looks = []
            return
        self._foreign_looks.append(language)
        if self._foreign_looks[-LOOKS_NEEDED:] == [language] * LOOKS_NEEDED:
            self.drifted_to = language


def foreign_scripts(conversation: Iterable[str]) -> "ScriptFilter":
    """What tells pieces of scripts that a conversation does not use."""
    return ScriptFilter(frozenset().union(*(scripts_of(text) for text in conversation)))


class ScriptFilter:
    """Tells whether a token's bytes belong to a script that is not wanted. Latin always is."""

    def __init__(self, wanted: frozenset[str]) -> None:
        kana = {"HIRAGANA", "KATAKANA", "CJK"} if wanted & {"HIRAGANA", "KATAKANA"} else set()
        self._wanted = wanted | kana | {"LATIN"}

    def is_foreign(self, piece: bytes) -> bool:
        """Whether all letters of a piece are of scripts that are not wanted."""
        scripts = scripts_of(piece.decode(errors="ignore"))
        if scripts:
            return not self._wanted & scripts.keys()
        return any(
            low <= byte <= high and script not in self._wanted
            for byte in piece[:1]
            for script, (low, high) in _LEADS.items()
        )
