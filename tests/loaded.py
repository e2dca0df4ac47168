"""What the process of `forked` loads: Snakemake, its plugins, what the Snakefile imports, the digests of all stages."""

from pathlib import Path

import h5py  # noqa: F401
from snakemake.cli import get_argument_parser

import polysve.learning.plan
import polysve.settings.families
import polysve.settings.study  # noqa: F401
from polysve.data import digest, origin  # noqa: F401

get_argument_parser()
SOURCE = str(Path(digest.__file__).parents[2])
for file in Path(SOURCE).glob("polysve/stages/[a-z]*.py"):
    digest.source_digest(f"polysve.stages.{file.stem}")
