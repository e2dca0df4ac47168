"""Stiffness and scatter of thin films a few grains wide."""

import importlib

FRONT_DOOR = {
    "draw": "polysve.api",
    "read_film": "polysve.api",
    "homogenize": "polysve.api",
    "predict": "polysve.api",
    "characterize": "polysve.api",
    "Crystal": "polysve.crystals.crystal",
    "load_surrogate": "polysve.surrogate.network",
}
"""What is used most, and the module that it is loaded from when it is asked for."""
__all__ = [*FRONT_DOOR]


def __getattr__(name: str):
    """Load what is asked for; by name, so that the digest of a stage's code does not follow the import."""
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if name in FRONT_DOOR:
        return getattr(importlib.import_module(FRONT_DOOR[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *FRONT_DOOR])
