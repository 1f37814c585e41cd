"""A headless Chromium, driven over a pipe by the Chrome DevTools Protocol.

Real pointer and key events, no library: messages are JSON with a zero byte after each, on the
descriptors 3 (to the browser) and 4 (from it).
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

CHROMIUM: Final = shutil.which("chromium")
MISSING: Final = "chromium is not installed: apt-get install chromium"
ANSWER_SECONDS_MAX = 60
_READ_BYTES = 1 << 20
_KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27}


class Browser:
    """One page in one browser; what the page complains of is kept in `complaints`."""

    def __init__(self, profile: Path) -> None:
        read_commands, self._commands = _high_pipe()
        self._answers, write_answers = _high_pipe()
        self._process = _spawn(profile, read_commands, write_answers)
        os.close(read_commands)
        os.close(write_answers)
        self._numbers = count(1)
        self._left = b""
        self._session = ""
        self._loads = 0
        self._has_scripts = True
        self.complaints: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._process, signal.SIGTERM)
        os.waitpid(self._process, 0)
        os.close(self._commands)
        os.close(self._answers)

    def window(self, width: int, height: int, *, dark: bool = False, scripts: bool = True) -> None:
        """How the page is looked at."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._has_scripts = scripts

    def open(self, path: Path) -> None:
        """Opens a page and waits until it has loaded and drawn."""
        loads = self._loads
        self._call("Page.navigate", url=path.resolve().as_uri())
        while self._loads == loads:
            self._receive()
        self.settle()

    def settle(self) -> None:
        """Waits until what was asked for has been drawn."""
        if not self._has_scripts:
            return
        drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        self.evaluate(drawn)

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - whatever it is
        """The value of a JavaScript expression in the page."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """The text of an element, as it is seen."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """A click on an element's middle."""
        x, y = self.middle(selector)
        self.click_at(x, y)

    def middle(self, selector: str) -> tuple[float, float]:
        """Where an element's middle is, scrolled into sight."""
        found = json.dumps(selector)
        self.evaluate(f"document.querySelector({found}).scrollIntoView({{block: 'center'}})")
        box = self.evaluate(f"document.querySelector({found}).getBoundingClientRect().toJSON()")
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def click_at(self, x: float, y: float) -> None:
        """A click on a point of the window."""
        self.pointer("mousePressed", x, y, button="left", buttons=1, clickCount=1)
        self.pointer("mouseReleased", x, y, button="left", clickCount=1)
        self.settle()

    def drag(self, x: float, y: float, to_x: float) -> None:
        """A press, a move sideways, and a release."""
        self.pointer("mousePressed", x, y, button="left", buttons=1, clickCount=1)
        for step in range(1, 5):
            self.pointer("mouseMoved", x + (to_x - x) * step / 4, y, button="left", buttons=1)
        self.pointer("mouseReleased", to_x, y, button="left", clickCount=1)
        self.settle()

    def pointer(self, kind: str, x: float, y: float, **more: str | int) -> None:
        """One event of the pointer."""
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def press(self, key: str) -> None:
        """A key, on whatever has the focus."""
        is_text = len(key) == 1
        code = ord(key.upper()) if is_text else _KEY_CODES[key]
        common = {"key": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": key} if is_text else {"type": "rawKeyDown"}
        self._call("Input.dispatchKeyEvent", **down, **common)
        self._call("Input.dispatchKeyEvent", type="keyUp", **common)
        self.settle()

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        answer = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        _write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._answers], [], [], ANSWER_SECONDS_MAX)
            assert ready, f"no answer from the browser in {ANSWER_SECONDS_MAX} s"
            read = os.read(self._answers, _READ_BYTES)
            assert read, "the browser went away"
            self._left += read
        line, self._left = self._left.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        match message:
            case {"method": "Page.loadEventFired"}:
                self._loads += 1
            case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                self.complaints.append(str(details.get("exception", details)))
            case {"method": "Log.entryAdded", "params": {"entry": {"level": "error"} as entry}}:
                self.complaints.append(entry["text"])
            case _:
                pass


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not in the way of the descriptors that the browser wants."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _spawn(profile: Path, commands: int, answers: int) -> int:
    """Starts the browser, with the pipes where it looks for them."""
    assert CHROMIUM is not None, MISSING
    arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
    ]
    places = [(os.POSIX_SPAWN_DUP2, commands, 3), (os.POSIX_SPAWN_DUP2, answers, 4)]
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    return os.posix_spawn(
        CHROMIUM, [CHROMIUM, *arguments], os.environ, file_actions=[*places, *quiet]
    )


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
