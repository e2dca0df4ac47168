"""Stiffness and scatter of polysilicon films a few grains wide."""

import importlib


def __getattr__(name: str):
    """Give `load_surrogate` without loading Keras before it is asked for.

    The import is by name, so that the digest of a stage's code does not follow it.
    """
    if name == "load_surrogate":
        return importlib.import_module("polysve.surrogate").load_surrogate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
