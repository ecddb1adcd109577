"""Chromium without a window, driven by its debugging protocol over two pipes: nothing but the browser is needed.

https://chromedevtools.github.io/devtools-protocol; messages are JSON, each ended by a zero byte.
"""

import json
import os
import select
import shutil
import subprocess
import sys
from fcntl import F_DUPFD_CLOEXEC, fcntl

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-dev-shm-usage "
    "--disable-component-update --disable-sync --disable-extensions --hide-scrollbars --remote-debugging-pipe"
)
# The browser reads commands from descriptor 3 and writes answers to 4.
LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
PATIENCE = 60  # seconds for an answer; a browser that is stuck fails the test
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "Tab": 9, "Enter": 13}


def find_chromium():
    """Its path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One page; `complaints` holds errors and warnings that it has written.

    A browser that does not answer is an AssertionError or an OSError.
    """

    def __init__(self, program, profile):
        commands, self._out = _pipe_above_the_first_descriptors()
        self._in, answers = _pipe_above_the_first_descriptors()
        launch = [sys.executable, "-I", "-S", "-c", LAUNCH, str(commands), str(answers)]
        self._process = subprocess.Popen(
            [*launch, program, *FLAGS.split(), f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._received, self._last, self._session = b"", 0, None
        self._loaded = False
        self.complaints = []
        try:
            self._attach()
        except (AssertionError, OSError):
            self.close()
            raise

    def _attach(self):
        """To a page of its own."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **parameters):
        """One command, and its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next_message()).get("id") != self._last:
            self._note(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, address, width=1280, height=900):
        """Load a page and wait until its scripts have run."""
        self.resize(width, height)
        self._loaded = False
        self.ask("Page.navigate", url="about:blank")  # another # alone would not load anything
        self._wait_for_load()
        self._loaded = False
        self.ask("Page.navigate", url=address)
        self._wait_for_load()

    def _wait_for_load(self):
        while not self._loaded:
            self._note(self._next_message())

    def resize(self, width, height):
        """The size of the window, in pixels of a page."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def run(self, code):
        """The value of an expression, of a promise when it is kept."""
        asked = {"expression": code, "returnByValue": True, "awaitPromise": True}
        answer = self.ask("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key):
        """One key, down and up."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, **code)

    def drag(self, start, end):
        """The left button of a mouse from one point (x, y) to another."""
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **held)

    def close(self):
        """End the browser, and wait until it has ended."""
        self._session = None
        try:
            self.ask("Browser.close")
        except (AssertionError, OSError):
            self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._in)
        os.close(self._out)

    def _next_message(self):
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._in], [], [], PATIENCE)
            assert ready, f"Chromium has not answered for {PATIENCE} seconds."
            more = os.read(self._in, 1 << 20)
            assert more, "Chromium has ended."
            self._received += more
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def _note(self, message):
        name, told = message.get("method"), message.get("params", {})
        if name == "Page.loadEventFired":
            self._loaded = True
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"])
        elif name == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(told["args"])
        elif name == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(told["entry"])


def _pipe_above_the_first_descriptors():
    """Both ends, none of them 3 or 4."""
    ends = os.pipe()
    moved = tuple(fcntl(end, F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved
