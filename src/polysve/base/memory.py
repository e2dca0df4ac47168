"""Freed memory, kept by the process for what it computes next."""

import ctypes
from functools import cache

# numbers of mallopt's parameters in malloc.h
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST_BLOCK = 32 << 20
KEPT = 256 << 20


@cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed, up to 256 MiB, instead of giving it back at once.

    Each page given back is asked for anew, and filled with zeros by the system: two thousand times for one label of
    ratio 10, a sixth of its time, five hundred times for its series. Does nothing where the C library is not glibc.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(MMAP_THRESHOLD, LARGEST_BLOCK)
        library.mallopt(TRIM_THRESHOLD, KEPT)
