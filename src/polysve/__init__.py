"""Stiffness and scatter of thin films a few grains wide."""

import importlib

FRONT_DOOR = {"load_surrogate": "polysve.surrogate.network"}


def __getattr__(name: str):
    """Give what is used most, without loading what it needs before it is asked for.

    The import is by name, so that the digest of a stage's code does not follow it.
    """
    if name in FRONT_DOOR:
        return getattr(importlib.import_module(FRONT_DOOR[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
