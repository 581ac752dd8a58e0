"""What the names and descriptions of parameters say about how much is asked for.

Models name the same thing in many ways: `n`, `num_images`, `imageCount`, `batchsize`.
"""

import re
from enum import Enum
from functools import lru_cache
from typing import Final


class Meaning(Enum):
    """What a parameter asks for, as far as it matters to a price."""

    COUNT = "a count"
    OUTPUTS = "a count where it is a number, else the inputs themselves: `images`"
    LENGTH = "a length in time"
    FRAMES = "a number of frames"
    FPS = "frames per second"
    SWITCH = "whether the model decides how many images it makes"
    TEXT = "text"
    UNCLEAR = "perhaps a count or a length"
    NEUTRAL = "nothing that is priced by itself"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBER: Final = _words("n num number nb count counts quantity qty per")
_LIMIT: Final = _words("max maximum min minimum total limit")
_OUTPUT: Final = _words(
    "image images img imgs picture pictures photo photos output outputs result results sample "
    "samples video videos clip clips audio audios song songs track tracks generation generations "
    "variation variations variant variants candidate candidates copy copies batch batches version "
    "versions completion completions sequence sequences prediction predictions layer layers view "
    "views sticker stickers item items asset assets"
)
_EXACT_COUNTS: Final = _words(
    "n num number count counts quantity qty copies best_of repeat repeats"
)
_BARE_OUTPUTS: Final = _words(
    "images pictures photos outputs results samples videos clips songs tracks generations "
    "variations variants candidates batch batches versions completions layers views stickers"
)
_BATCHES: Final = _words("batch_size batch_count")
_LENGTH: Final = _words(
    "duration durations dur seconds second secs sec minutes minute mins hours hour ms millis "
    "milliseconds runtime playtime"
)
_LENGTH_OF: Final = _words(
    "length len video audio clip music song track output target total max maximum min minimum in s"
)
_FRAME: Final = _words("frame frames nframes numframes")
_FRAMES_OF: Final = _words(
    "frame frames num number n nb of count total max maximum min minimum video output target length"
)
_TEXT: Final = _words(
    "text texts prompt prompts input inputs script scripts content contents lyrics message "
    "messages sentence sentences ssml instruction instructions transcript dialogue speech caption "
    "captions narration words body description query queries lines request requests scene scenes "
    "shot shots job jobs task tasks item items"
)
_MEDIA: Final = _words(
    "image images img imgs picture pictures photo photos video videos audio audios url urls file "
    "files"
)
_MEASURE: Final = _words(
    "size width height side pixels pixel resolution dimension dimensions weight bytes kb mb area "
    "strength scale quality ratio"
)
_NEUTRAL: Final = _MEASURE | _words(
    "seed seeds steps step guidance cfg temperature top rate bitrate compression timeout volume "
    "pitch speed start offset begin ttl expires wait deadline focal threshold angle zoom first last"
)
_NOT_TEXT: Final = _NUMBER | _LIMIT | _NEUTRAL | _MEDIA | {"length", "len"}
_UNCLEAR: Final = (
    _NUMBER
    | _LIMIT
    | _LENGTH
    | _words(
        "length len long time times loop loops iteration iterations iter extend extension repeat "
        "repeats multiplier parallel shots scenes parts segments turns rounds runs end interval "
        "delay padding silence frame frames batch"
    )
) - {"per"}
_PLAIN_LISTS: Final = _NEUTRAL | _words(
    "tag tags keyword keywords negative lora loras color colors palette stop modalities mask masks "
    "point points bbox box boxes coordinates embedding embeddings font fonts language languages"
)
_VOCABULARY: Final = _NUMBER | _LIMIT | _OUTPUT | _LENGTH | _FRAME | _NEUTRAL | {"of", "length"}

_LETTERS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_COUNTED: Final = re.compile(
    r"\b(?:number|count|quantity|amount|how many)\b[^.]{0,40}\b(?:images?|pictures?|photos?"
    r"|outputs?|results?|samples?|videos?|clips?|generations?|variations?|variants?|candidates?)\b",
    re.IGNORECASE,
)
_TIMED: Final = re.compile(r"\b(?:duration|how long|seconds?|length of the)\b", re.IGNORECASE)
_MAX_NAME: Final = 100
_MAX_DESCRIPTION: Final = 500


def meaning_of(name: str, description: str = "") -> Meaning:
    """Return what a parameter asks for, by its name, else by its schema's description."""
    meaning = _by_name(name[:_MAX_NAME])
    if meaning is not Meaning.UNCLEAR and not (meaning is Meaning.NEUTRAL and description):
        return meaning
    if meaning is Meaning.NEUTRAL and is_neutral(name):
        return meaning
    told = description[:_MAX_DESCRIPTION]
    if _COUNTED.search(told):
        return Meaning.COUNT
    return Meaning.LENGTH if _TIMED.search(told) else meaning


def unit_of_length(name: str) -> str:
    """Return the unit that a length's name tells: `ms`, `min` or `h`, else `s`."""
    words = _words_of(name[:_MAX_NAME])
    for unit, spelled in (
        ("ms", "ms millis milliseconds"),
        ("min", "minutes minute mins"),
        ("h", "hours hour"),
    ):
        if words & _words(spelled):
            return unit
    return "s"


def is_neutral(name: str) -> bool:
    """Whether a name says that its value counts nothing, against any description: `seed`."""
    return bool(_words_of(name[:_MAX_NAME]) & _NEUTRAL)


def is_plain_list(name: str) -> bool:
    """Whether a list of this name neither holds inputs nor asks for results: `tags`."""
    return bool(_words_of(name[:_MAX_NAME]) & _PLAIN_LISTS)


@lru_cache(maxsize=2048)
def _by_name(name: str) -> Meaning:
    words = _words_of(name)
    joined = "_".join(_in_order(name))
    if joined in ("sequential_image_generation", "sequential_generation"):
        return Meaning.SWITCH
    if words & {"fps", "framerate"} or ("rate" in words and words & _FRAME):
        return Meaning.FPS
    if words & _FRAME and "per" in words:
        return Meaning.FPS
    if words & _FRAME and words <= _FRAMES_OF | _FRAME:
        return Meaning.FRAMES
    if _counts(words, joined):
        return Meaning.COUNT
    if joined in _BARE_OUTPUTS:
        return Meaning.OUTPUTS
    if _lasts(words):
        return Meaning.LENGTH
    if words & _TEXT and not words & _NOT_TEXT:
        return Meaning.TEXT
    if words & _UNCLEAR and not words & _NEUTRAL and joined != "max_sequence_length":
        return Meaning.UNCLEAR
    return Meaning.NEUTRAL


def _counts(words: frozenset[str], joined: str) -> bool:
    if joined in _EXACT_COUNTS or joined in _BATCHES or words >= {"batch", "size"}:
        return True
    if not words & _OUTPUT:
        return False
    return bool(
        words & _NUMBER
        or (words & _LIMIT and not words & (_NEUTRAL | _LENGTH) and not words & {"length", "len"})
    )


def _lasts(words: frozenset[str]) -> bool:
    if words & _NEUTRAL or words & {"end", "interval", "delay", "padding", "silence", "fade"}:
        return False
    return bool(words & _LENGTH) or ("length" in words and words <= _LENGTH_OF)


def is_plural(name: str) -> bool:
    """Whether a name speaks of several: a number under it may be how many, as in `scenes`."""
    return "".join(_in_order(name[:_MAX_NAME])[-1:]).endswith("s")


def _words_of(name: str) -> frozenset[str]:
    return frozenset(_in_order(name))


@lru_cache(maxsize=2048)
def _in_order(name: str) -> tuple[str, ...]:
    """Return the words of `num_images`, `numImages` or `numimages`, in lower case."""
    found: list[str] = []
    for part in _LETTERS.findall(name):
        word = part.lower()
        found += (word,) if word in _VOCABULARY | _TEXT | _UNCLEAR else _halves(word)
    return tuple(found)


def _halves(word: str) -> tuple[str, ...]:
    """Split two known words that were written as one."""
    for at in range(1, len(word)):
        if word[:at] in _VOCABULARY and word[at:] in _VOCABULARY:
            return word[:at], word[at:]
    return (word,)
