"""Functions compiled once by numba, for one signature each, and kept for the next start.

numba keeps the machine code beside the source, or, where that cannot be written, in the user's cache folder; the
variable NUMBA_CACHE_DIR names another. Processes that start together may write at the same time: each file is
replaced whole, and with one signature a function all write the same.
"""

import sys

import numba
from numba.core import event


class _Notice(event.Listener):
    """Says once that functions are being compiled, since that takes seconds."""

    said = False

    def on_start(self, _):
        if not _Notice.said:
            _Notice.said = True
            print(
                "polysve: compiling, once after an installation (up to a minute)", file=sys.stderr
            )

    def on_end(self, _):
        pass


event.register("numba:compile", _Notice())


def _options(contract: bool) -> dict:
    return {"fastmath": {"contract"} if contract else False, "error_model": "numpy"}


def compiled(signature: str, contract: bool = False):
    """Compile a function for one signature when its module is imported, or take it from the cache.

    Parameters
    ----------
    signature : str
        Types as numba writes them.
    contract : bool
        Allow a·b + c in one rounding, which is faster; never where two functions must find equal bits.

    Examples
    --------
    >>> @compiled("f8(f8, f8)")
    ... def add(a, b):
    ...     return a + b
    >>> add(1.0, 2.0)
    3.0
    """

    def decorate(function):
        _check_calls(function)
        try:
            return numba.njit(signature, cache=True, **_options(contract))(function)
        except RuntimeError as error:
            # nowhere to write: compile for this process alone
            if "no locator" not in str(error):
                raise
            return numba.njit(signature, **_options(contract))(function)

    return decorate


def inner(contract: bool = False, counted: bool = True):
    """Compile a function within those of its file that call it; nothing else can call it without waiting.

    Parameters
    ----------
    contract : bool
        As of `compiled`.
    counted : bool
        Count references to arrays, which only functions that make or return arrays need; in short functions it can take
        a third of the time.
    """

    def decorate(function):
        _check_calls(function)
        return numba.njit(_nrt=counted, **_options(contract))(function)

    return decorate


def _check_calls(function) -> None:
    """Refuse what the cache cannot follow: it is renewed when the function's own file changes, and no other.

    Raises
    ------
    TypeError
        If the function calls a compiled one of another file.
    """
    for name in function.__code__.co_names:
        other = getattr(function.__globals__.get(name), "py_func", None)
        if other and other.__code__.co_filename != function.__code__.co_filename:
            raise TypeError(f"{function.__name__} calls {name} of another file")
