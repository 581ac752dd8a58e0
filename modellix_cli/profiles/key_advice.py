"""Where a key came from, in words, and what to do when the API refuses it."""

from typing import Final

from modellix_cli.domain.values import KEY_PAGE

KEY_VARIABLE: Final = "MODELLIX_API_KEY"
SAVED: Final = ("file", "keychain", "legacy-file")
"""Sources of keys that a profile has on this machine."""


def key_place(source: str, profile: str, *, variable: str = KEY_VARIABLE) -> str:
    """Return where a key is, to be named in a sentence; `source` is that of `ApiKey`."""
    places = {
        "flag": "--api-key",
        "stdin": "standard input",
        "prompt": "the prompt",
        "environment": variable,
        "sandbox": "the sandbox",
        "keychain": f"the system's keychain (profile {profile})",
    }
    return places.get(source, f"profile {profile}")


def key_advice(source: str, profile: str, *, login: str = "", variable: str = KEY_VARIABLE) -> str:
    """Return the hint of an error about a refused key: which key it was, how to replace that one.

    `login` is the command that saves a key for the profile, with the options this run depends on.
    """
    login = login or f"modellix-cli auth login --profile {profile}"
    place = key_place(source, profile, variable=variable)
    if source in SAVED:
        return (
            f"The key is the one saved for {place}. Replace it: {login} "
            f"(in scripts with --api-key-stdin). Keys: {KEY_PAGE}"
        )
    came = f"The key came from {place}."
    if source == "environment":
        return f"{came} Set it to a valid key ({KEY_PAGE}), or unset it and save a key: {login}"
    if source == "sandbox":
        return f"{came} It takes any key: only the model sandbox/forbidden refuses each one."
    return f"{came} Give a valid key: {KEY_PAGE}"
