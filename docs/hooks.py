"""What MkDocs generates from the package: figures, and the references of settings, rules, commands and modules."""

import json
import logging
import re
import sys
import tempfile
from pathlib import Path

from mkdocs.structure.files import File

DOCS = Path(__file__).parent
ROOT = DOCS.parent
RULE = re.compile(r'^rule (\w+):\n    """(.+?)"""', re.MULTILINE | re.DOTALL)
NOT_DOCUMENTED = {"__init__"}


def on_files(files, config):
    """Add the generated pages and figures."""
    pages = {
        "reference/settings.md": settings_page(),
        "reference/rules.md": rules_page(),
        "reference/commands.md": commands_page(),
        "reference/api.md": api_page(),
        "materials.md": materials_page(),
    }
    pages["atlas-data.js"] = atlas_data()
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for notebook in sorted(DOCS.glob("course/*.ipynb")):
        show_outputs(notebook, files, config)
    sys.path.insert(0, str(DOCS))
    import house_figure
    import make_figures

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        make_figures.write_all(Path(folder))
        house_figure.write(Path(folder) / "house.svg")
        for figure in sorted(Path(folder).iterdir()):
            files.append(
                File.generated(config, f"figures/{figure.name}", content=figure.read_bytes())
            )
    return files


def atlas_data() -> str:
    """The shipped table of many films as a script, for the page of the atlas, which may be opened from disk."""
    from polysve.surrogate import atlas

    kept = {"mean": 6, "mean_half_width": 2, "std": 4, "std_half_width": 2, "p1": 5, "p99": 5}
    found = {}
    for (material, texture), curves in atlas.table().items():
        for quantity, curve in curves.items():
            cells = [
                {"ratio": ratio, "films": int(cell["films"])}
                | {
                    key.removesuffix("_width"): float(f"{cell[key]:.{digits}g}")
                    for key, digits in kept.items()
                }
                for ratio, cell in curve.cells.items()
            ]
            law = {
                key.removeprefix("law_").removesuffix("_width"): n for key, n in curve.law.items()
            }
            law["from"] = law.pop("from_ratio")
            of_texture = found.setdefault(material, {}).setdefault(texture, {})
            of_texture[quantity] = law | {"cells": cells}
    return f"const ATLAS = {json.dumps(found, separators=(',', ':'))};\n"


def show_outputs(notebook: Path, files, config) -> None:
    """Put an executed notebook, with its figures and printed numbers, in place of its text."""
    from nbconvert import MarkdownExporter

    name = notebook.stem
    resources = {"unique_key": name, "output_files_dir": f"{name}_files"}
    text, resources = MarkdownExporter().from_filename(str(notebook), resources=resources)
    # the exporter describes a figure by its format
    text = re.sub(r"!\[(svg|png)\]", "![Output of the cell above]", text)
    page = files.get_file_from_path(f"course/{name}.md")
    files.remove(page)
    files.append(File.generated(config, page.src_uri, content=text))
    for path, content in resources["outputs"].items():
        files.append(File.generated(config, f"course/{path}", content=content))


def materials_page() -> str:
    """Every crystal of the catalogue."""
    from polysve.crystals import catalogue

    lines = [
        "# Materials",
        "",
        "Crystals that a configuration, `--material` and `polysve.draw` know by name. Constants are in GPa, in",
        "the axes of Nye and the IRE standard: x3 along the axis of highest symmetry. The anisotropy is the",
        "universal index, 0 for",
        "an isotropic crystal. [Constants of your own](howto/own-material.md) go the same way.",
        "",
        "| crystal | symmetry | constants | density (kg/m³) | anisotropy | source |",
        "|---|---|---|---|---|---|",
    ]
    for row in catalogue.rows():
        name = ", ".join([row["name"], *row["aliases"]])
        density = "" if row["density_kg_m3"] is None else f"{row['density_kg_m3']:g}"
        lines.append(
            f"| {name} | {row['symmetry']} | {row['constants']} | {density} | {row['anisotropy']:.3g} "
            f"| {row['source']} |"
        )
    return "\n".join(lines)


def settings_page() -> str:
    """Every key of the configuration, from the settings classes."""
    from polysve.settings import study

    lines = [
        "# Settings",
        "",
        "Every key that `config/config.yaml` or a file of your own may hold, with its default. Names in angle",
        "brackets are yours. A key or value that is not allowed is refused before anything runs. `polysve schema`",
        "prints the same as a JSON schema, for the completion of an editor.",
        "",
        *_model_lines(study.Settings, "The study", ""),
    ]
    return "\n".join(lines)


def _model_lines(model, title: str, prefix: str) -> list[str]:
    """One table for a settings class, then those of the classes inside it."""
    from polysve.settings.descriptions import descriptions

    schema, meanings = model.model_json_schema()["properties"], descriptions(model)
    lines = [f"## {title}", "", model.__doc__.strip().split("\n\n")[0].replace("\n", " "), ""]
    lines += ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    inner = []
    for name, field in model.model_fields.items():
        nested, plural = _nested(field.annotation)
        key = f"{prefix}{name}"
        if nested:
            place = f"{key}.<name>." if plural else f"{key}."
            inner.append((nested, f"`{place[:-1]}`", place))
            default, allowed = "see below", "a section"
        else:
            default = (
                "**needed**" if field.is_required() else f"`{json.dumps(field.get_default())}`"
            )
            allowed = _allowed(schema[name], model.model_json_schema().get("$defs", {}))
        meaning = meanings.get(name, "").replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{key}` | {default} | {allowed} | {meaning} |")
    lines.append("")
    for nested, heading, place in inner:
        lines += _model_lines(nested, heading, place)
    return lines


def _nested(annotation) -> tuple:
    """Settings class inside an annotation, and whether there may be many of them."""
    from polysve.settings.model import Model

    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation, False
    for inner in getattr(annotation, "__args__", ()):
        found, _ = _nested(inner)
        if found:
            return found, getattr(annotation, "__origin__", None) is dict
    return None, False


def _allowed(schema: dict, definitions: dict) -> str:
    """Limits of a key, in words, from its JSON schema."""
    if "anyOf" in schema:
        return " or ".join(_allowed(each, definitions) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_allowed(schema.get('items', {}), definitions) or 'values'}"
    words = {"integer": "whole number", "number": "number", "string": "text", "null": "null"}
    limits = {
        "minimum": "≥",
        "exclusiveMinimum": "&gt;",
        "maximum": "≤",
        "exclusiveMaximum": "&lt;",
    }
    numbers = {
        key: "2⁶³" if schema[key] == 2**63 else f"{schema[key]:g}"
        for key in limits.keys() & schema.keys()
    }
    said = [f"{sign} {numbers[key]}" for key, sign in limits.items() if key in numbers]
    if "pattern" in schema:
        return "a plain word"
    return ", ".join([words.get(schema.get("type"), schema.get("type", "")), *said])


def rules_page() -> str:
    """Every rule with its docstring, from the rule files."""
    lines = [
        "# Rules",
        "",
        "What Snakemake runs, one rule for each stage. A rule calls the command of its name.",
        "",
    ]
    order = re.findall(r"rules/(\w+)\.smk", (ROOT / "Snakefile").read_text())
    for name in order:
        text = (ROOT / f"workflow/rules/{name}.smk").read_text()
        for rule, docstring in RULE.findall(text):
            lines += [f"## {rule}", "", re.sub(r"\n    ", "\n", docstring).strip(), ""]
            lines += [f"Defined in `workflow/rules/{name}.smk`.", ""]
    return "\n".join(lines)


def commands_page() -> str:
    """Every command with its options, from typer."""
    import typer
    from typer.cli import get_docs_for_click

    from polysve.cli import app

    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="polysve")
    text = get_docs_for_click(obj=command, ctx=context, name="polysve")
    for name, each in command.commands.items():  # typer cuts what is longer than 45 letters
        text = re.sub(
            rf"(?<=^\* `{name}`: ).*$", each.help.split("\n")[0], text, flags=re.MULTILINE
        )
    return text.replace("# `polysve`", "# Commands", 1)


def api_page() -> str:
    """Every module of the package, for mkdocstrings."""
    lines = [
        "# Python API",
        "",
        "The stages are thin; the modules below do the work and can be used on their own.",
        "",
    ]
    folder = ROOT / "src/polysve"
    for file in sorted(folder.glob("*/*.py")):
        if file.stem not in NOT_DOCUMENTED:
            name = ".".join(file.relative_to(ROOT / "src").with_suffix("").parts)
            lines += [f"## {name}", "", f"::: {name}", ""]
    return "\n".join(lines)
