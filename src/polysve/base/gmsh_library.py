"""gmsh, whatever else the process has loaded."""

import ctypes
import os
import sys


def load_gmsh():
    """Import gmsh so that it looks for functions in itself first.

    TensorFlow shows its own to every library that is loaded later. Among them are some of C++'s maps that gmsh has
    too, in another make: the process would crash when gmsh forgets the names of groups.
    """
    from importlib.metadata import files

    deep = getattr(os, "RTLD_DEEPBIND", None)  # other systems than Linux do not mix libraries
    if deep is not None and "gmsh" not in sys.modules:
        for file in files("gmsh") or ():
            if file.name.startswith("libgmsh"):
                ctypes.CDLL(str(file.locate()), mode=deep)
    import gmsh

    return gmsh
