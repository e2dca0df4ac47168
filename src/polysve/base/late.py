"""Packages that other packages import at each start, and that are loaded where something of them is used."""

import importlib.util
import sys


class _Finder:
    """Finds a package, and leaves its loading to the first use of something in it."""

    def __init__(self, package: str):
        self.package = package

    def find_spec(self, name, path, target=None):
        """What Python asks of the finders in `sys.meta_path`."""
        if name != self.package:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


def put_off(package: str) -> None:
    """Load a package not when it is imported, but at the first use of something in it.

    Examples
    --------
    >>> put_off("wave")
    >>> import wave
    >>> type(wave).__name__, wave.open.__name__, type(wave).__name__
    ('_LazyModule', 'open', 'module')
    """
    sys.meta_path.insert(0, _Finder(package))
