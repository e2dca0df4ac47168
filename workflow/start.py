"""Snakemake, as the command of that name, but with pandas loaded only where something of it is used.

Its SLURM plugin imports pandas at each start on any machine, which is a third of a second.
"""

import importlib.util
import sys


class PutOff:
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


if __name__ == "__main__":
    sys.meta_path.insert(0, PutOff("pandas"))
    from snakemake.cli import main

    main()
