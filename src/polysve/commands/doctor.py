"""What works on this machine: versions, devices, threads, gmsh, SLURM."""

import os
import shutil
import subprocess

from polysve.data.records import package_versions


def examine() -> dict[str, str]:
    """One line for each thing that a run may need.

    Returns
    -------
    dict
        Subject to finding; a finding that starts with ``missing`` or ``broken`` says what stops working.
    """
    versions = package_versions()
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "cores": _cores(),
        "gmsh": _gmsh(),
        "tensorflow": _tensorflow(),
        "slurm": _slurm(),
    }


def _cores() -> str:
    # macOS cannot bind a process to some of its cores
    bound = hasattr(os, "sched_getaffinity")
    usable = len(os.sched_getaffinity(0)) if bound else os.cpu_count()
    return f"{usable} usable of {os.cpu_count()}"


def _gmsh() -> str:
    try:
        import gmsh
    except (ImportError, OSError) as error:
        return f"broken, mesh.algorithm must be fan: {error}"
    return f"works, {gmsh.GMSH_API_VERSION}"


def _tensorflow() -> str:
    try:
        import tensorflow
    except ImportError as error:
        return f"broken, no training: {error}"
    devices = [
        device.name.removeprefix("/physical_device:")
        for device in tensorflow.config.list_physical_devices()
    ]
    return f"works on {', '.join(devices)}"


def _slurm() -> str:
    if shutil.which("sinfo") is None:
        return "missing, local runs only"
    answer = subprocess.run(
        ["sinfo", "--noheader", "--format=%P %D nodes %T"],
        check=False,
        capture_output=True,
        text=True,
    )
    if answer.returncode:
        return f"broken: {answer.stderr.strip()}"
    return "; ".join(answer.stdout.split("\n")).strip("; ") or "no partition"
