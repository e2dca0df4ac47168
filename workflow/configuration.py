"""Where the configuration of a run is no YAML: one line with file and line, exit code 2.

    python workflow/configuration.py SNAKEMAKE ARGUMENTS

Snakemake says of such a file only that it is not valid. What the values mean is checked by the workflow itself.
"""

import os
import sys

import yaml

DEFAULT = "config/config.yaml"
OPTIONS = ("--configfile", "--configfiles")


def files(arguments: list[str]) -> list[str]:
    """Configuration files among Snakemake's arguments.

    Examples
    --------
    >>> files(["-n", "--configfile", "mine.yaml", "more.yaml", "--config", "seed=2"])
    ['mine.yaml', 'more.yaml']
    >>> files(["--configfile=mine.yaml", "results/report.html"])
    ['mine.yaml']
    >>> files(["-n"])
    ['config/config.yaml']
    """
    found, reading = [], False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if argument.startswith("-"):
            reading = option in OPTIONS and not equals
            found += [value] if option in OPTIONS and equals else []
        elif reading:
            found.append(argument)
    return found or [DEFAULT]


def fault(file: str) -> str | None:
    """Say what is wrong with a file as YAML."""
    if os.path.exists(file) and not os.path.isfile(file):  # a pipe can be read only once
        return None
    try:
        with open(file, encoding="utf-8") as opened:
            values = yaml.safe_load(opened)
    except OSError as error:
        return f"{file}: cannot be read ({error.strerror}); a YAML file is needed"
    except UnicodeDecodeError:
        return f"{file}: is no text; a YAML file is needed"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return f"{file}{where}: is no YAML: {getattr(error, 'problem', None) or error}"
    if not isinstance(values, dict):
        return f"{file}: holds no keys; the example is {DEFAULT}"
    return None


if __name__ == "__main__":
    for line in filter(None, map(fault, files(sys.argv[1:]))):
        print(f"polysve: {line}", file=sys.stderr)
        sys.exit(2)
