"""Meshes of a device's plane, by gmsh: elements, and the nodes of its named lines for supports and loads."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import check_size
from polysve.base.gmsh_library import load_gmsh
from polysve.base.types import Array, Integers

READ, MESHED = (".msh",), (".geo", ".step", ".stp")
CAD = (".step", ".stp")


class Kind(NamedTuple):
    """Plane elements of one kind, as other programs know them; all number corners first, then the middles of sides."""

    gmsh: int
    deck: str
    meshio: str
    corners: int
    turned: tuple[int, ...]
    """Order of the nodes the other way round."""


KINDS = (
    Kind(2, "CPS3", "triangle", 3, (0, 2, 1)),
    Kind(3, "CPS4", "quad", 4, (0, 3, 2, 1)),
    Kind(9, "CPS6", "triangle6", 3, (0, 2, 1, 5, 4, 3)),
    Kind(16, "CPS8", "quad8", 4, (0, 3, 2, 1, 7, 6, 5, 4)),
)


class DeviceMesh(NamedTuple):
    """Elements that fill a device, seen from above."""

    nodes_um: Array
    """Shape (nodes, 2)."""
    blocks: tuple[tuple[Kind, Integers], ...]
    """Elements of each kind, counter-clockwise, shape (elements, nodes of one); numbered one block after the other."""
    node_sets: dict[str, Integers]
    """Nodes of the named points, lines and surfaces."""

    def corners_um(self) -> Array:
        """Corners of all elements, shape (elements, 4, 2); triangles have their last one twice."""
        parts = [nodes[:, [0, 1, 2, kind.corners - 1]] for kind, nodes in self.blocks]
        return self.nodes_um[np.concatenate(parts)]


def areas(corners: Array) -> Array:
    """Areas of quadrilaterals, shape (n,), from their corners, shape (n, 4, 2).

    Examples
    --------
    >>> areas(np.array([[[0.0, 0], [2, 0], [2, 1], [0, 1]], [[0, 0], [2, 0], [0, 1], [0, 1]]]))
    array([2., 1.])
    """
    one, other = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    return (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2


def read_device(path: Path, element_size_um: float | None = None) -> DeviceMesh:
    """Read a mesh of gmsh (`.msh`), or let gmsh mesh a drawing (`.geo`, `.step`), in µm.

    Parameters
    ----------
    path : Path
        A mesh or script has a physical surface, the film, and as many physical lines as supports and loads need; the
        faces of a STEP file are all film, and its edges are called EDGE1, EDGE2, …
    element_size_um : float, optional
        For STEP files, which are meshed with quadratic triangles.

    Raises
    ------
    InputError
        For files of another kind or that gmsh cannot read, solids, surfaces that are not flat or have no physical
        group, and inverted elements.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in READ + MESHED:
        raise InputError(
            f"{path}: is no drawing of a device; allowed are {', '.join(READ + MESHED)}"
        )
    if (ending in CAD) != (element_size_um is not None):
        raise InputError(
            f"--element-size = {element_size_um}: is needed for STEP files, and for no others"
        )
    check_size(path)
    gmsh = load_gmsh()

    if gmsh.isInitialized():
        gmsh.finalize()  # with options of others
    gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        _open(gmsh, path, element_size_um)
        return _read(gmsh.model, path)
    finally:
        gmsh.finalize()


def _open(gmsh, path: Path, element_size_um: float | None) -> None:
    gmsh.option.setNumber("General.Terminal", 0)
    gmsh.option.setNumber("General.NumThreads", 1)
    gmsh.option.setString("Geometry.OCCTargetUnit", "UM")
    try:
        gmsh.open(str(path))
        if element_size_um is not None:
            _describe(gmsh, element_size_um)
        if path.suffix.lower() in MESHED:
            gmsh.model.mesh.generate(2)
    except Exception as error:  # gmsh knows no other
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: gmsh cannot read or mesh it ({reason})") from None


def _describe(gmsh, element_size_um: float) -> None:
    """Element size of a STEP file, and names for its faces and edges; a solid has none, and is refused for it."""
    gmsh.option.setNumber("Mesh.MeshSizeMax", element_size_um)
    gmsh.option.setNumber("Mesh.ElementOrder", 2)
    if gmsh.model.getEntities(3):
        return
    gmsh.model.addPhysicalGroup(2, [tag for _, tag in gmsh.model.getEntities(2)], name="FILM")
    for number, (_, tag) in enumerate(gmsh.model.getEntities(1), 1):
        gmsh.model.addPhysicalGroup(1, [tag], name=f"EDGE{number}")


def _read(model, path: Path) -> DeviceMesh:
    groups = model.getPhysicalGroups()
    surfaces = {
        int(entity)
        for dimension, tag in groups
        if dimension == 2
        for entity in model.getEntitiesForPhysicalGroup(2, tag)
    }
    if not surfaces:
        what = "only solids" if model.getEntities(3) else "no physical surface"
        raise InputError(
            f"{path}: has {what}; a physical group of flat surfaces, the film, is needed"
        )
    tags, coordinates, _ = model.mesh.getNodes()
    place = np.zeros(int(tags.max(initial=0)) + 1, int)
    place[tags] = np.arange(len(tags))
    points = coordinates.reshape(-1, 3)
    found = {kind: [] for kind in KINDS}
    for entity in sorted(surfaces):
        _add_surface(model, path, entity, found, place, points)
    blocks = [(kind, np.concatenate(parts)) for kind, parts in found.items() if parts]
    if not blocks:
        raise InputError(f"{path}: the physical surfaces hold no elements; a meshed film is needed")
    used = np.unique(np.concatenate([nodes.ravel() for _, nodes in blocks]))
    nodes = points[used]
    if np.ptp(nodes[:, 2]) > 1e-9 * np.ptp(nodes, axis=0).max():
        raise InputError(f"{path}: is not flat; all z of the film must be equal")
    number = np.full(len(points), -1)
    number[used] = np.arange(len(used))
    sets = {}
    for dimension, tag in groups:
        members = number[place[model.mesh.getNodesForPhysicalGroup(dimension, tag)[0]]]
        name = _set_name(model.getPhysicalName(dimension, tag), dimension, tag)
        if name in sets:
            raise InputError(f"{path}: two physical groups are called {name}; names must differ")
        if (members >= 0).any():
            sets[name] = np.sort(members[members >= 0])
    return DeviceMesh(nodes[:, :2], tuple((kind, number[each]) for kind, each in blocks), sets)


def _add_surface(
    model, path: Path, entity: int, found: dict, place: Integers, points: Array
) -> None:
    """Elements of one surface, which all turn the same way round."""
    kinds = {kind.gmsh: kind for kind in KINDS}
    for code, tags, nodes in zip(*model.mesh.getElements(2, entity), strict=True):
        if code not in kinds:
            name = model.mesh.getElementProperties(code)[0]
            raise InputError(
                f"{path}: has elements {name}; allowed are triangles and quadrilaterals, linear or quadratic "
                "(with 8 nodes)"
            )
        kind = kinds[code]
        elements = place[nodes].reshape(len(tags), -1)
        corners = points[elements[:, : kind.corners], :2]
        following = np.roll(corners, -1, 1) - corners
        before = np.roll(following, 1, 1)
        turn = before[..., 0] * following[..., 1] - before[..., 1] * following[..., 0]
        clockwise = turn.sum() < 0
        inverted = np.flatnonzero((-turn if clockwise else turn).min(1) <= 0)
        if len(inverted):
            x, y = corners[inverted[0]].mean(0)
            raise InputError(
                f"{path}: {len(inverted)} of {len(elements)} elements of surface {entity} are inverted or flat, the "
                f"first at ({x:g}, {y:g}); allowed are convex elements that do not fold back"
            )
        found[kind].append(elements[:, kind.turned] if clockwise else elements)


def _set_name(name: str, dimension: int, tag: int) -> str:
    """Name that a deck takes, which knows no small letters."""
    return re.sub(r"\W", "_", name, flags=re.ASCII).upper() or f"GROUP{dimension}_{tag}"
