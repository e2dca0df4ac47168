"""Random films over a device, written for other programs: a deck for CalculiX, and a file for ParaView."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from polysve.base.files import atomic_path
from polysve.base.types import Array
from polysve.crystals.orientation import to_euler
from polysve.crystals.stiffness import pack, young_modulus
from polysve.device.device_mesh import DeviceMesh
from polysve.device.field import Field

ENTRIES = 8
"""Numbers in a line of a deck, at most."""
HEAD = """\
** A random polycrystalline film by PolySVE, for *INCLUDE in a deck with supports, loads and steps.
** Units: µm, µN, MPa, kg, s. Plane-stress elements.
** The constants of a material are those of the plane, Q: what the crystal does out of the plane is already in them."""


def write_deck(
    path: Path, mesh: DeviceMesh, field: Field, thickness_um: float, density_kg_m3: float | None
) -> None:
    """Write nodes, elements, node sets, materials and sections in the words of Abaqus, which CalculiX reads.

    A plane-stress element of CalculiX is one layer of solid elements without shear through the thickness; a crystal
    that is turned out of the plane does have some under plane stress. The deck therefore gives each material a
    stiffness in space whose part in the plane is Q and that couples it to nothing else.

    Parameters
    ----------
    path : Path
    mesh : DeviceMesh
    field : Field
        Elements with one grain's stiffness share a material, GRAIN…; each other element has its own, ELEMENT….
    thickness_um : float
    density_kg_m3 : float or None
    """
    with atomic_path(path) as temporary:
        temporary.write_text(
            "\n".join(_lines(mesh, field, thickness_um, density_kg_m3)) + "\n", encoding="utf-8"
        )


def _lines(
    mesh: DeviceMesh, field: Field, thickness_um: float, density_kg_m3: float | None
) -> Iterator[str]:
    yield HEAD
    yield "*NODE, NSET=NALL"
    for number, (x, y) in enumerate(mesh.nodes_um.tolist(), 1):
        yield f"{number}, {x:.12g}, {y:.12g}, 0."
    first = 1
    for kind, nodes in mesh.blocks:
        yield f"*ELEMENT, TYPE={kind.deck}, ELSET=EALL"
        for number, each in enumerate((nodes + 1).tolist(), first):
            yield f"{number}, " + ", ".join(map(str, each))
        first += len(nodes)
    for name, nodes in mesh.node_sets.items():
        yield f"*NSET, NSET={name}"
        yield from _rows(nodes + 1)
    for name, elements in _parts(field):
        yield f"*ELSET, ELSET={name}"
        yield from _rows(elements + 1)
        yield f"*MATERIAL, NAME={name}"
        yield "*ELASTIC, TYPE=ANISO"
        yield from _rows(_constants(1e3 * field.stiffness_gpa[elements[0]]), more=",")
        if density_kg_m3 is not None:
            yield "*DENSITY"
            yield f"{1e-18 * density_kg_m3:.10g}"
        yield f"*SOLID SECTION, ELSET={name}, MATERIAL={name}"
        yield f"{thickness_um:.10g}"


def _parts(field: Field) -> Iterator[tuple[str, Array]]:
    """Elements that share a material, and its name."""
    own = np.flatnonzero(field.own)
    own = own[np.argsort(field.grain[own], kind="stable")]
    grains, starts = np.unique(field.grain[own], return_index=True)
    for grain, elements in zip(grains, np.split(own, starts[1:]), strict=True):
        yield f"GRAIN{grain}", elements
    for element in np.flatnonzero(~field.own):
        yield f"ELEMENT{element + 1}", np.array([element])


def _constants(q: Array) -> Array:
    """The 21 constants of a stiffness in space that is Q in the plane and couples it to nothing.

    Order 1111, 1122, 2222, 1133, 2233, 3333, 1112, 2212, 3312, 1212, then those with 13 and 23.
    """
    c11, c22, c66, c12, c16, c26 = pack(q)
    return np.array([c11, c12, c22, 0, 0, c11, c16, c26, 0, c66, *4 * [0], c66, *5 * [0], c66])


def _rows(numbers: Array, more: str = "") -> Iterator[str]:
    """Numbers in lines; `more` ends those that go on."""
    rows = [numbers[start : start + ENTRIES] for start in range(0, len(numbers), ENTRIES)]
    for row in rows:
        end = more if row is not rows[-1] else ""
        yield ", ".join(f"{each:.10g}" for each in row.tolist()) + end


def write_vtu(path: Path, mesh: DeviceMesh, field: Field) -> None:
    """Write grains and stiffness of the elements for ParaView: µm, GPa, Bunge angles in degrees."""
    import meshio

    values = {
        "grain": field.grain,
        "euler_deg": to_euler(field.quaternions)[field.grain],
        "stiffness_11_22_66_12_16_26_gpa": pack(field.stiffness_gpa),
        "young_modulus_gpa": young_modulus(field.stiffness_gpa),
    }
    bounds = np.cumsum([len(nodes) for _, nodes in mesh.blocks])[:-1]
    flat = np.column_stack([mesh.nodes_um, np.zeros(len(mesh.nodes_um))])
    written = meshio.Mesh(
        flat,
        [(kind.meshio, nodes) for kind, nodes in mesh.blocks],
        cell_data={name: np.split(each, bounds) for name, each in values.items()},
    )
    with atomic_path(path) as temporary:
        written.write(temporary, file_format="vtu")
