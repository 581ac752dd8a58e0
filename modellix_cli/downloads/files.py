"""Files that appear whole or not at all, under names that are safe everywhere."""

import errno
import os
import re
import sys
import unicodedata
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import unquote, urlsplit

from modellix_cli.domain.errors import ErrorCode, ModellixError, usage

_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*]')
_DEVICE: Final = re.compile(
    r"(?i)^(con|conin\$|conout\$|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)"
)
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,16}$")
_INVISIBLE: Final = ("Cf", "Cs", "Zl", "Zp")  # bidi marks, surrogates, line separators
_MAX_CHARACTERS: Final = 160
_MAX_BYTES: Final = 240


def name_from_url(url: str) -> str:
    """Return the file name that a URL suggests, safe to create; "" if it suggests none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return safe_name(unquote(path.rsplit("/", 1)[-1], errors="replace"))


def safe_name(name: str, encoding: str | None = None) -> str:
    """Make any text a file name: no path, no control characters, no device, not too long.

    It can be written in `encoding`, that of the file system if None.

    >>> safe_name("../../etc/passwd")
    '-..-etc-passwd'
    """
    normal = unicodedata.normalize("NFKC", name)
    printable = "".join(c if unicodedata.category(c) not in _INVISIBLE else "-" for c in normal)
    clean = _FORBIDDEN.sub("-", printable).lstrip(". ").rstrip(". ")
    clean = encodable(clean, encoding or sys.getfilesystemencoding())
    if _DEVICE.match(clean):
        clean = f"resource-{clean}"
    return _shortened(clean)


def encodable(text: str, encoding: str) -> str:
    """Replace what `encoding` lacks: by the letter without its accent, else by its code point.

    >>> encodable("café 猫", "ascii")
    'cafe u732b'
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_encodable(character, encoding) for character in text)
    return text


def _encodable(character: str, encoding: str) -> str:
    for form in (character, unicodedata.normalize("NFKD", character)[0]):
        try:
            form.encode(encoding)
        except UnicodeEncodeError:
            continue
        return form
    return f"u{ord(character):04x}"


def _shortened(name: str) -> str:
    stem, extension = split_extension(name)
    stem = stem[: _MAX_CHARACTERS - len(extension)]
    while len((stem + extension).encode()) > _MAX_BYTES:
        stem = stem[:-1]
    return stem.rstrip(". ") + extension


def split_extension(name: str) -> tuple[str, str]:
    """Return stem and extension of a file name; the extension with its dot, "" if there is none."""
    match = _EXTENSION.search(name)
    extension = match[0] if match else ""
    return name[: len(name) - len(extension)], extension


def has_extension(name: str) -> bool:
    """Whether a file name ends in something that looks like an extension."""
    return _EXTENSION.search(name) is not None


def numbered(name: str, number: int) -> str:
    """Return the name for the `number`-th file that wants `name`: `a.png`, `a-2.png`, …"""
    if number == 1:
        return name
    stem, extension = split_extension(name)
    return f"{stem}-{number}{extension}"


def check_folder(folder: Path) -> None:
    """Refuse an output folder that cannot be, as far as that shows without making anything.

    Raises the usage error for a file, `OUTPUT_UNWRITABLE` where no files can be made in it, or in
    the nearest folder above that there is; also where a relative one is in one that was deleted.
    """
    try:
        if not folder.is_absolute():
            Path.cwd()  # fails where the current folder was deleted
        if folder.exists() and not folder.is_dir():
            raise usage(f"{folder} is a file, not a folder.", hint="Choose another --output-dir.")
        _check_parent(folder / "file")
    except OSError as error:
        raise unwritable(folder, error) from error


def check_file(path: Path) -> None:
    """Refuse a file that cannot be written, as far as that shows without opening it.

    Raises `OUTPUT_UNWRITABLE`.
    """
    try:
        if path.is_dir():
            raise _reason(errno.EISDIR)
        if not path.exists():
            path = path.resolve()  # of a link that leads nowhere, the place that it names
            if not path.parent.exists():
                raise _reason(errno.ENOENT)
            _check_parent(path)
        elif not _allowed(path, os.W_OK):
            raise _reason(errno.EACCES)
    except OSError as error:
        raise unwritable(path, error) from error


def _check_parent(path: Path) -> None:
    """Raise the system's error where a file cannot be made, nor the folders that it lacks."""
    nearest = next(place for place in path.parents if os.path.lexists(place))
    if not nearest.is_dir():
        raise _reason(errno.ENOTDIR if nearest.exists() else errno.EEXIST)
    if not _allowed(nearest, os.W_OK | os.X_OK):
        raise _reason(errno.EACCES)


def _allowed(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _reason(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def prepare_folder(folder: Path) -> None:
    """Create the output folder and make sure files can be made in it.

    Raises as `check_folder`; called before anything is paid.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".modellix-{token_hex(4)}.part"
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def appear(part: Path, folder: Path, name: str, *, overwrite: bool, taken: set[str]) -> Path:
    """Give a complete `.part` file its name, atomically, and return its path.

    Existing files are kept (the new one becomes `name-2`) unless `overwrite`; `taken` are names
    used in this run, which are never overwritten, whatever their case (`A.png` and `a.png` are
    one file on many systems).
    """
    number = 1
    while True:
        candidate = numbered(name, number)
        number += 1
        if candidate.casefold() in taken:
            continue
        target = folder / candidate
        try:
            if overwrite:
                _replace(part, target)
            elif not _move_to_new(part, target):
                continue
        except OSError as error:
            raise unwritable(target, error) from error
        taken.add(candidate.casefold())
        return target


def _replace(part: Path, target: Path) -> None:
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise ModellixError(
            ErrorCode.OUTPUT_UNWRITABLE, f"Refusing to overwrite a non-regular file: {target}"
        )
    part.replace(target)


def _move_to_new(part: Path, target: Path) -> bool:
    """Rename without overwriting; return False if the name is taken."""
    try:
        os.link(part, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except (OSError, NotImplementedError):  # a file system without hard links
        if target.exists() or target.is_symlink():
            return False
        part.rename(target)
    return True


def unwritable(path: Path, error: OSError) -> ModellixError:
    """Return the error for a path that cannot be written, with the system's reason."""
    return ModellixError(
        ErrorCode.OUTPUT_UNWRITABLE, f"Cannot write {path}: {error.strerror or error}."
    )
