"""The command line without the seconds of loading it: each command is a fork of a process that has loaded it."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
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


def start(folder, owner):
    """Start the server, which ends with another process; put a program of the name ``polysve`` into the folder."""
    (folder / "client.py").write_text(CLIENT)
    program = folder / "polysve"
    program.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -IS '{folder}/client.py' '{folder}/socket' \"$@\"\n"
    )
    program.chmod(0o755)
    command = [sys.executable, __file__, folder / "socket", str(owner)]
    environment = os.environ | dict.fromkeys(THREADS, "1")
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"


def _serve(file, owner):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    main = _load()
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
                    _run(main, connection)
                connection.close()


def _lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _load():
    import keras  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import numba  # noqa: F401
    import orix.quaternion  # noqa: F401

    import polysve.stages
    from polysve import cli

    for stage in Path(polysve.stages.__file__).parent.glob("[a-z]*.py"):
        __import__(f"polysve.stages.{stage.stem}")
    return cli.main


def _run(main, connection):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    atexit._clear()
    code = 1
    try:
        _, streams, *_ = socket.recv_fds(connection, 1, 3)
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
        with connection.makefile() as asked:
            words, folder, environment = json.load(asked)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["polysve", *words]
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send(bytes([code]))
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
