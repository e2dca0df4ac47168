"""What a long command says while it works, and when it is stopped."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from polysve.base import progress

COUNTED = """
import time
from polysve.base.progress import track
for _ in track(range(0, 50, 10), "structures", 50, 10):
    time.sleep(0.02)
"""
UNCOUNTED = """
import time
from polysve.base.progress import busy
with busy("loading the network"):
    time.sleep(0.3)
"""


def test_a_log_gets_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0)
    assert list(progress.track(range(0, 25, 10), "structures", 25, 10)) == [0, 10, 20]
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"structures: {done} of 25" for done in (10, 20, 25)
    ]
    assert lines[-1].endswith("about 0 s left")
    assert said.out == ""


def test_quick_work_says_nothing(capsys):
    assert list(progress.track("ab", "letters", 2)) == ["a", "b"]
    assert capsys.readouterr().err == ""


def test_what_cannot_be_counted_says_nothing_in_a_log(capsys):
    with progress.busy("loading the network"):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("work", "said"), [(COUNTED, ["structures", "50/50"]), (UNCOUNTED, ["loading the network"])]
)
def test_a_terminal_sees_the_progress(work, said):
    master, slave = pty.openpty()
    answer = subprocess.Popen(
        [sys.executable, "-c", work],
        stdout=subprocess.PIPE,
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert answer.wait() == 0
    assert answer.stdout.read() == b"", "what a command prints may be piped"
    text = shown.decode()
    for word in said:
        assert word in text
    assert "\x1b[?25h" in text, "the cursor comes back"


# it tells at once how far it is
IMPATIENT = """
from polysve import cli
from polysve.base import progress
progress.LOG_SECONDS = 0
cli.main()
"""


@pytest.mark.faults
def test_an_interrupted_command_ends_with_one_sentence(tmp_path):
    output = tmp_path / "shard.h5"
    settings = '{"window_um": 20, "grain_size_um": 0.5}'
    command = [sys.executable, "-c", IMPATIENT, "tessellate", output, "--ensemble", "e"]
    running = subprocess.Popen(
        [*command, "--start", "0", "--stop", "100000", "--settings", settings],
        stderr=subprocess.PIPE,
        text=True,
        # whoever runs the tests in a shell's background ignores Ctrl-C, and so would the command
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        # it is at work, however slow its start was
        assert running.stderr.readline().startswith("structures of e:")
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    lines = [line for line in said.splitlines() if not line.startswith("structures of e:")]
    assert lines == [
        "polysve: interrupted; nothing unfinished was kept. The same command goes on from here"
    ]
    assert not list(tmp_path.iterdir())
