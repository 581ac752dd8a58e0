"""What a wish in words asks for: words to look for, words that stand for them, and qualities."""

from typing import Final, Literal

from modellix_cli.domain.frozen import frozen
from modellix_cli.models.words import is_typo, split, stem

MAX_WORDS: Final = 32
"""Of a wish; what follows is not looked at."""
QualityKind = Literal["cheap", "fast", "new"]


@frozen
class Term:
    """Something that a model should have: the word as it was written, and what answers it too.

    `instead` are words that stand for it. `types` are types of models: a whole one, or its
    end (`-to-image`); the first is meant more than the others.
    """

    word: str
    instead: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


@frozen
class Quality:
    """What moves a model up without finding it, by `weight`; `word` is what was written."""

    word: str
    kind: QualityKind
    weight: float


@frozen
class Wish:
    """What was asked for."""

    terms: tuple[Term, ...]
    qualities: tuple[Quality, ...]


_PASSED_OVER: Final = frozenset(
    split(
        "a an and any are as at be best but by can could do does for from get give good great i in "
        "into is it its like make makes making me model models my need of on one or please show "
        "some something take than that the them these this to turn use very want way which with "
        "would you your"
    )
)
_SYNONYMS: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = (
    # what is written, words that stand for it, types that are meant
    (
        "image,picture,photo,photograph,pic,img,illustration,drawing,artwork",
        (),
        ("text-to-image", "-to-image"),
    ),
    (
        "portrait,headshot,selfie,avatar,poster,logo,banner,wallpaper",
        (),
        ("text-to-image", "-to-image"),
    ),
    ("video,clip,movie,film,footage,animation", (), ("text-to-video", "-to-video")),
    (
        "voice,speech,narration,narrator,voiceover,voice over,speak,read aloud,audiobook,tts",
        ("voice", "speech", "tts", "aloud"),
        ("text-to-speech", "speech-to-speech"),
    ),
    ("music,song,melody,jingle,soundtrack", ("music", "song"), ("-to-music",)),
    (
        "sound,audio,sound effect,sfx",
        ("sound", "audio"),
        ("text-to-speech", "speech-to-speech", "-to-audio", "-to-music", "-to-sound"),
    ),
    (
        "transcribe,transcript,transcription,subtitle,caption,dictation,asr,stt,speech recognition",
        ("asr", "transcription", "recognition"),
        ("speech-to-text",),
    ),
    (
        "voice changer,voice change,dub,dubbing,voice conversion",
        ("changer", "conversion"),
        ("speech-to-speech",),
    ),
    ("edit,retouch,modify,inpaint,inpainting", ("edit",), ("image-to-image", "video-to-video")),
    ("animate", ("animate", "motion"), ("image-to-video",)),
    (
        "upscale,upscaler,enlarge,enhance,sharpen,super resolution,superresolution",
        ("upscale", "larger", "superresolution"),
        (),
    ),
    ("lip sync,lipsync,lips,talk", ("lipsync", "lip"), ()),
    (
        "try on,tryon,outfit,clothes,clothing,garment,dress",
        ("tryon", "aitryon", "try", "clothes", "garment"),
        (),
    ),
    ("outpaint,extend,expand,uncrop", ("outpainting", "out"), ()),
    ("translate", ("translation",), ()),
    ("lettering,typography,word art", ("lettering", "wordart", "letters"), ()),
    (
        "photoreal,photorealistic,photorealism,photo real,realistic,realism,lifelike",
        ("photorealistic", "photographic", "realistic", "lifelike", "realism"),
        (),
    ),
    ("t2i", (), ("text-to-image",)),
    ("i2i", (), ("image-to-image",)),
    ("t2v", (), ("text-to-video",)),
    ("i2v", (), ("image-to-video",)),
    ("v2v", (), ("video-to-video",)),
)
_QUALITIES: Final[tuple[tuple[str, QualityKind, float], ...]] = (
    ("cheap,cheaper,inexpensive,affordable,budget,economical,low cost,low price", "cheap", 1.0),
    ("cheapest,free,lowest price,lowest cost,least expensive", "cheap", 4.0),
    ("fast,faster,quick,quickly,rapid,speedy,instant", "fast", 1.0),
    ("fastest,quickest", "fast", 3.0),
    ("new,newer,recent,modern", "new", 1.0),
    ("newest,latest", "new", 3.0),
)
_KINDS: Final = {
    **dict.fromkeys(("text", "prompt", "words"), "text"),
    **dict.fromkeys(("image", "picture", "photo", "images", "pictures", "photos"), "image"),
    **dict.fromkeys(("video", "clip", "videos", "clips"), "video"),
    **dict.fromkeys(("speech", "voice", "audio"), "speech"),
}


def _key(text: str) -> str:
    return " ".join(stem(word) for word in split(text))


_TERMS: Final = {
    _key(name): (instead, types) for names, instead, types in _SYNONYMS for name in names.split(",")
}
_MOVING: Final = {
    name: (kind, weight) for names, kind, weight in _QUALITIES for name in names.split(",")
}


_NAMES: Final = tuple(
    name
    for names in (*(row[0] for row in _SYNONYMS), *(row[0] for row in _QUALITIES))
    for name in names.split(",")
    if " " not in name
)


def read_wish(text: str) -> Wish:
    """Read a wish such as `photoreal portrait, cheap`; a word is counted once."""
    words = split(text)[:MAX_WORDS]
    terms: dict[str, Term] = {}
    qualities: dict[QualityKind, Quality] = {}
    while words:
        taken, found = _first(words)
        words = words[taken:]
        if isinstance(found, Quality):
            known = qualities.get(found.kind)
            if known is None or known.weight < found.weight:
                qualities[found.kind] = found
        elif found is not None:
            terms.setdefault(_key(found.word), found)
    return Wish(tuple(terms.values()), tuple(qualities.values()))


def _first(words: list[str]) -> tuple[int, Term | Quality | None]:
    """Return how many words belong together at the beginning, and what they ask for."""
    route = _route(words)
    if route is not None:
        return route
    for length in (2, 1):
        phrase = " ".join(words[:length])
        known = _read(phrase, phrase)
        if known is not None:
            return min(length, len(words)), known
    word = words[0]
    if word in _PASSED_OVER:
        return 1, None
    meant = next((name for name in _NAMES if is_typo(word, name)), None)
    return 1, Term(word) if meant is None else _read(word, meant)


def _read(written: str, name: str) -> Term | Quality | None:
    """Return what `name` of the tables asks for, written as `written`; None for another name."""
    if name in _MOVING:
        return Quality(written, *_MOVING[name])
    known = _TERMS.get(_key(name))
    return None if known is None else Term(written, *known)


def _route(words: list[str]) -> tuple[int, Term] | None:
    """Read `text to video`, `a photo into a clip` or `video from an image` as a type."""
    here = [(place, word) for place, word in enumerate(words[:6]) if word not in ("a", "an", "the")]
    if len(here) < 3 or here[0][0] != 0:
        return None
    (_, first), (_, between), (place, last) = here[:3]
    if first not in _KINDS or last not in _KINDS or between not in ("to", "into", "2", "from"):
        return None
    source, target = (last, first) if between == "from" else (first, last)
    wanted = f"{_KINDS[source]}-to-{_KINDS[target]}"
    return place + 1, Term(" ".join(words[: place + 1]), types=(wanted,))
