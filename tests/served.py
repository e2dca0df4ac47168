"""The command line and Snakemake without the seconds of loading them: each run is a fork of a server that has.

A run ends with whoever asked for it: a killed client takes with it all that its fork has started.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Libraries read them when they are loaded; Snakemake sets them for each job, which here all have one thread."""
CLIENT = """
import json, os, socket, sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [b"0"], [0, 1, 2])
    server.sendall(json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode())
    server.shutdown(socket.SHUT_WR)
    answer = server.recv(1)
sys.exit(answer[0] if answer else 128 + 9)
"""
PYTHON_SCRIPT = """
case "$1 $2" in
    "-m polysve" | "-m snakemake") name=$2; shift 2; {client}/'$name "$@" ;;
    *) exec '{python}' "$@" ;;
esac
"""
PYTHON = "SERVED_PYTHON"
"""Variable with the Python that a served Snakemake starts its jobs by."""
KILLED = -signal.SIGKILL


def start(folder, owner):
    """Start the servers, which end with another process.

    The folder then has ``bin/polysve``, and a ``python`` that knows ``-m polysve`` and ``-m snakemake`` by heart.
    """
    (folder / "client.py").write_text(CLIENT)
    (folder / "bin").mkdir()
    client = f"exec '{sys.executable}' -IS '{folder}/client.py' '{folder}"
    for program, script in (
        ("bin/polysve", f'{client}/polysve\' "$@"'),
        ("python", PYTHON_SCRIPT.format(client=client, python=sys.executable)),
    ):
        (folder / program).write_text(f"#!/bin/sh\n{script}\n")
        (folder / program).chmod(0o755)
    environment = os.environ | dict.fromkeys(THREADS, "1")
    servers = [
        subprocess.Popen(
            [sys.executable, __file__, name, folder / name, str(owner)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("polysve", "snakemake")
    ]
    for server in servers:
        assert server.stdout.readline() == "ready\n"


class Run:
    """A served Snakemake; it ends with the process that started it."""

    def __init__(self, folder, arguments, directory, environment, output):
        self.exitcode, self._server = None, socket.socket(socket.AF_UNIX)
        self._server.connect(str(folder / "snakemake"))
        with open(os.devnull) as nothing, open(output, "w") as file:
            streams = [nothing.fileno(), file.fileno(), file.fileno()]
            socket.send_fds(self._server, [b"0"], streams)
        words = [str(each) for each in arguments]
        self._server.sendall(json.dumps([words, str(directory), environment]).encode())
        self._server.shutdown(socket.SHUT_WR)

    def join(self, seconds=None):
        """Wait for the end; afterwards `exitcode` is None if there was none."""
        if self.exitcode is None and select.select([self._server], [], [], seconds)[0]:
            answer = self._server.recv(1)
            self.exitcode = answer[0] if answer else KILLED
            self._server.close()

    def kill(self):
        """End it at once with all that it has started, if it still goes on."""
        if self.exitcode is None:
            self._server.close()
            self.exitcode = KILLED


def _serve(name, file, owner):
    main = {"polysve": _load_polysve, "snakemake": _load_snakemake}[name]()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a fork ended
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(file)
        listener.listen(64)
        listener.settimeout(1)
        print("ready", flush=True)
        while _lives(owner):
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                if os.fork() == 0:
                    listener.close()
                    _enter(name, main, connection)
                connection.close()


def _lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _load_polysve():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    import keras  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import numba  # noqa: F401
    import orix.quaternion  # noqa: F401

    import polysve.stages
    from polysve import cli

    for stage in Path(polysve.stages.__file__).parent.glob("[a-z]*.py"):
        __import__(f"polysve.stages.{stage.stem}")
    return cli.main


def _load_snakemake():
    import loaded

    return loaded.main


def _enter(name, main, connection):
    """Become what was asked for, in a fork."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    atexit._clear()
    code = 1
    try:
        _, streams, *_ = socket.recv_fds(connection, 1, 3)
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        with connection.makefile() as asked:
            words, folder, environment = json.load(asked)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [name, *words]
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # a fork ends without them; Snakemake's lock is given back there
        sys.stdout.flush()
        sys.stderr.flush()
        with suppress(OSError):
            connection.send(bytes([code]))
        os._exit(code)


def _end_with(client):
    """End with all processes of the fork once its client has closed the connection."""
    closed = select.poll()
    closed.register(client, select.POLLHUP)
    closed.poll()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
