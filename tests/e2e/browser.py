"""Headless Chromium, driven over a pipe by its DevTools protocol: it needs nothing but itself."""

import json
import os
import select
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BINARY = next(filter(None, map(shutil.which, NAMES)), None)
QUIET = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--mute-audio", "--remote-debugging-pipe"),
)
PATIENCE = 60.0
KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
    "Home": ("Home", 36, ""),
    "End": ("End", 35, ""),
}


class Page:
    """The one page of a browser. `problems` are its console errors and refused loads."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to = to_browser
        self._from = from_browser
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.problems: list[str] = []
        self.requested: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._next()
            if reply.get("id") == self._number:
                assert "error" not in reply, reply["error"]
                return reply["result"]

    def open(self, url: str) -> None:
        """Load a page and wait until it is there."""
        self.ask("window.left = true")
        self.problems.clear()
        self.call("Page.navigate", url=url)
        self.wait("!window.left && document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        reply = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.ask(condition):
            assert time.monotonic() < deadline, f"never true: {condition}"

    def press(self, *keys: str) -> None:
        """Press keys, each by its name or as the character that it types."""
        for key in keys:
            name, code, text = KEYS.get(key, (key, 0, key))
            facts = {"key": name, "windowsVirtualKeyCode": code}
            typed = {"text": text} if text else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", **facts, **typed)
            self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def look_as(self, width: int, height: int, theme: str) -> None:
        """Take the size of a window, and light or dark as the system's theme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=width < 600)
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path) -> None:
        """Save what is on the screen as PNG."""
        path.write_bytes(b64decode(self.call("Page.captureScreenshot")["data"]))

    def _next(self) -> Any:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], PATIENCE)
            assert ready, "the browser says nothing"
            data = os.read(self._from, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(line)
        params = message.get("params", {})
        if message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"]))
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        return message


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Start a browser with an empty profile in `folder`, and end it."""
    assert BINARY is not None
    reads, to_browser = os.pipe()
    from_browser, writes = os.pipe()
    # The browser finds the pipe at 3 and 4; which numbers it has here is chance.
    command = f'exec "$0" "$@" 3<&{reads} 4>&{writes}'
    process = subprocess.Popen(
        ["bash", "-c", command, BINARY, *QUIET, f"--user-data-dir={folder}"],
        pass_fds=(reads, writes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    os.close(reads)
    os.close(writes)
    try:
        yield Page(to_browser, from_browser)
    finally:
        with suppress(OSError):
            os.close(to_browser)
        os.close(from_browser)
        process.kill()
        process.wait(10)
