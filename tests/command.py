"""The command line as a test runs it."""

import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from subprocess import CompletedProcess

import pytest

from polysve import cli


def polysve(*arguments, cwd="."):
    """Run a command in this process; an exception that would be a traceback fails the test."""
    words = ["polysve", *map(str, arguments)]
    out, err = StringIO(), StringIO()
    with (
        chdir(cwd),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as end:
            cli.main()
    return CompletedProcess(words, end.value.code or 0, out.getvalue(), err.getvalue())


def assert_refused(answer, *words):
    """One line on stderr with the words, exit code 2, nothing on stdout."""
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1, answer.stderr
    for word in words:
        assert word in answer.stderr
