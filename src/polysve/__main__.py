"""Run the command line as `python -m polysve`."""

from polysve.cli import main

main()
