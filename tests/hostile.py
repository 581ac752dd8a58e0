"""Values that are hostile to shells, and how Windows makes words of a command line."""

from typing import Final

VALUES: Final = (
    "it's",
    'say "hi" & echo it',
    "$HOME ${IFS} $(id) `id`",
    "two\nlines\n",
    "a tab\there",
    "\U0001f408\u200d\u2b1b \u732b \u0627\u0644",
    "9223372036854775808",
    "@photo.png",
    "-x",
    "--body",
    "back\\slash \\\\ \\n \\",
    "\\'",
    "%PATH% %self !! ^ ~",
    "=ls",
    "*.png [a-z]? {a,b}",
    " blanks ",
    "",
    '{"a": [1, "b"]}',
    "a=b:=1;c|d>e<f#g",
    "\u202eright to left\u2066",
)


def windows_words(line: str) -> list[str]:
    """Return the words of a command line by the rules of Windows (CommandLineToArgvW).

    https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments
    """
    words: list[str] = []
    word, inside, begun, slashes = "", False, False, 0
    for letter in line:
        if letter == "\\":
            slashes += 1
            begun = True
            continue
        if letter == '"':
            word += "\\" * (slashes // 2)
            begun = True
            if slashes % 2:
                word += letter
            else:
                inside = not inside
        elif letter in " \t" and not inside:
            word += "\\" * slashes
            words += [word] if begun else []
            word, begun = "", False
        else:
            word += "\\" * slashes + letter
            begun = True
        slashes = 0
    return [*words, word + "\\" * slashes] if begun else words
