"""Keeps keys out of whatever is written."""

import re
from typing import Final

from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.shell import quote

_SHORT_SECRET: Final = 8


class Redactor:
    """Knows the secrets that must never be shown."""

    def __init__(self) -> None:
        self._known = set[str]()
        self._patterns: list[re.Pattern[str]] = []

    def hide(self, secret: str) -> None:
        """Never let `secret` through again; a very short one only where it stands alone."""
        if secret in self._known:
            return
        self._known.add(secret)
        for form in {secret, quote(secret).strip("'")}:  # also as commands to paste have it
            pattern = re.escape(form)
            if len(secret) < _SHORT_SECRET:
                pattern = rf"(?<![\w-]){pattern}(?![\w-])"
            self._patterns.append(re.compile(pattern))

    def clean(self, text: str) -> str:
        """Return `text` without the secrets that `hide` was told of."""
        for pattern in self._patterns:
            text = pattern.sub("[REDACTED]", text)
        return text

    def cleaned(self, value: Json) -> Json:
        """Clean every string of a JSON value, so that the text around them stays JSON."""
        if not self._patterns:
            return value
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self.clean(str(key)): self.cleaned(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.cleaned(inner) for inner in value]
        return value
