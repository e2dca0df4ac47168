"""Crystals by name: the catalogue's, and those of any settings."""

from typing import Any

import numpy as np

from polysve.crystals.crystal import Crystal
from polysve.settings.material import (
    CrystalSettings,
    catalogue,
    catalogue_name,
    material_settings,
    read_material,
)


def find(name: str) -> Crystal:
    """Crystal of the catalogue by its name, formula or another alias, in any spelling.

    Raises
    ------
    InputError
        Naming the nearest names if there is no such crystal.

    Examples
    --------
    >>> find("Cu").name, float(find("Cu").stiffness_gpa[0, 0])
    ('copper', 168.4)
    """
    known = catalogue_name(name)
    return Crystal.from_settings(material_settings(known), known, catalogue()[known]["source"])


def crystal(settings: CrystalSettings) -> Crystal:
    """Crystal of the constants in the settings.

    It bears the name, source and density of the catalogue's crystal of the same constants, if there is one.

    Examples
    --------
    >>> crystal(material_settings({"c11_gpa": 165.64, "c12_gpa": 63.94, "c44_gpa": 79.51})).name
    'silicon'
    >>> crystal(material_settings("166,64,80")).name
    'cubic crystal'
    """
    unnamed = Crystal.from_settings(settings, f"{settings.symmetry} crystal")
    for name, entry in catalogue().items():
        if entry["symmetry"] == settings.symmetry:
            known = find(name)
            if np.array_equal(known.stiffness_gpa, unnamed.stiffness_gpa):
                density = settings.density_kg_m3 or known.density_kg_m3
                return Crystal(name, known.symmetry, known.stiffness_gpa, density, known.source)
    return unnamed


def material(value: str, source: str = "--material") -> Crystal:
    """Crystal that a command line names: a name of the catalogue, C11,C12,C44 or a YAML file of constants.

    Raises
    ------
    InputError
        One line that names the option or file, the value and what is allowed.
    """
    return crystal(read_material(value, source))


def rows() -> list[dict[str, Any]]:
    """One row for each crystal of the catalogue, for its tables.

    Returns
    -------
    list of dict
        ``name``, ``aliases``, ``symmetry``, ``constants`` (GPa, such as ``C11 165.64, C12 63.94, C44 79.51``),
        ``density_kg_m3``, ``anisotropy`` (universal index), ``source``.

    Examples
    --------
    >>> rows()[0]["name"], rows()[0]["constants"]
    ('silicon', 'C11 165.64, C12 63.94, C44 79.51')
    """
    table = []
    for name, entry in catalogue().items():
        constants = material_settings(name).model_dump(
            include={key for key in entry if key.endswith("_gpa")}
        )
        told = (f"{key.removesuffix('_gpa').upper()} {value:g}" for key, value in constants.items())
        found = find(name)
        table.append(
            {
                "name": name,
                "aliases": entry["aliases"],
                "symmetry": found.symmetry,
                "constants": ", ".join(told),
                "density_kg_m3": found.density_kg_m3,
                "anisotropy": found.anisotropy,
                "source": found.source,
            }
        )
    return table
