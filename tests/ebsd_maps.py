"""EBSD maps in each vendor's layout, written from what is where in the window's own axes."""

import warnings
from typing import NamedTuple

import h5py
import numpy as np
from scipy.spatial.transform import Rotation

LAUE = {"cubic": 11, "hexagonal": 9, "trigonal": 7, "tetragonal": 5, "orthorhombic": 3}
EDAX = {"cubic": "43", "hexagonal": "62", "trigonal": "32", "tetragonal": "42"}
GROUPS = {"cubic": 225, "hexagonal": 194}
# where the axes of the angles point, in the window's axes, as columns
AXES = {
    "edax": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]],
    "oxford": np.eye(3),
    "map": np.diag([1, -1, -1]),
}


class Map(NamedTuple):
    """Points from the top row to the bottom row, y downwards."""

    shape: tuple[int, int]
    step_um: float
    turns: Rotation  # crystal axes into window axes
    phase: np.ndarray  # 1, 2, ...; 0 without orientation
    phases: tuple[tuple[str, str], ...]  # name and symmetry

    def places(self):
        y, x = np.mgrid[: self.shape[0], : self.shape[1]] * self.step_um
        return x.ravel(), y.ravel()

    def euler_rad(self, frame):
        seen = Rotation.from_matrix(np.transpose(AXES[frame])) * self.turns
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Gimbal lock")
            return seen.as_euler("ZXZ")

    def without(self, points):
        phase = self.phase.copy()
        phase[points] = 0
        return self._replace(phase=phase)


def cells(shape, count, seed):
    """Voronoi cells of points in a picture, rows from the top."""
    random = np.random.default_rng(seed)
    points = random.random((count, 2)) * shape
    pixels = np.stack(np.mgrid[: shape[0], : shape[1]], -1) + 0.5
    return ((pixels[..., None, :] - points) ** 2).sum(-1).argmin(-1)


def noisy(turns, degrees, seed=1):
    """Turns with normal deviations about random axes."""
    random = np.random.default_rng(seed)
    return turns * Rotation.from_rotvec(np.radians(random.normal(0, degrees, (len(turns), 3))))


def write_ang(path, scan, columns=10, frame="edax", hexagonal=None, degrees=False):
    """`.ang` of EDAX with 8, 10 or 11 columns; EMsoft's with `columns=8` differs in its header only."""
    x, y = hexagonal or scan.places()
    euler = scan.euler_rad(frame) % (2 * np.pi)
    lost = scan.phase == 0
    euler[lost] = 4 * np.pi
    if degrees:
        euler = np.degrees(euler)
    single = len(scan.phases) == 1
    confidence = np.where(lost, 0.0 if columns == 10 else -1.0, 0.7)
    phase = np.where(lost, 0, 0 if single else scan.phase)
    table = np.column_stack([euler, x, y, np.full(len(x), 90.0), confidence, phase])
    table = np.column_stack([table, np.ones((len(x), columns - 8))])
    header = ["TEM_PIXperUM 1.000000", ""]
    # EDAX counts the phases down
    for number, (name, symmetry) in reversed(list(enumerate(scan.phases, 1))):
        header += [f"Phase {number}", f"MaterialName  \t{name}", f"Formula     \t{name}", "Info"]
        header += [f"Symmetry              {EDAX[symmetry]}", "LatticeConstants 3 3 3 90 90 90"]
    rows, columns_odd = scan.shape
    header += [f"GRID: {'HexGrid' if hexagonal else 'SqrGrid'}", f"XSTEP: {scan.step_um:.6f}"]
    header += [f"NCOLS_ODD: {columns_odd}", f"NCOLS_EVEN: {columns_odd - bool(hexagonal)}"]
    header += [f"NROWS: {rows}", ""]
    np.savetxt(path, table, fmt="%.5f", header="\n".join(header))


def hexagons(shape, step_um):
    """Points of a hexagonal grid; every second row is half a step in and one point shorter."""
    rows, columns = shape
    kept = [np.arange(columns - row % 2) + 0.5 * (row % 2) for row in range(rows)]
    y = np.repeat(np.arange(rows) * np.sqrt(0.75), [len(each) for each in kept])
    return np.concatenate(kept) * step_um, y * step_um


def write_ctf(path, scan, frame="oxford", radians=False, deviation=0.5, comma=False):
    x, y = scan.places()
    euler = scan.euler_rad(frame)
    euler = euler % (2 * np.pi) if radians else np.degrees(euler) % 360
    lost = scan.phase == 0
    rows, columns = scan.shape
    lines = ["Channel Text File", "Prj\ttest", "Author\t[Unknown]", "JobMode\tGrid"]
    lines += [f"XCells\t{columns}", f"YCells\t{rows}", f"XStep\t{scan.step_um}"]
    lines += [f"YStep\t{scan.step_um}", "AcqE1\t0", "AcqE2\t0", "AcqE3\t0"]
    lines += [
        "Euler angles refer to Sample Coordinate system (CS0)!",
        f"Phases\t{len(scan.phases)}",
    ]
    for name, symmetry in scan.phases:
        lines.append(f"3.6;3.6;3.6\t90;90;90\t{name}\t{LAUE[symmetry]}\t0\t\t\tsource")
    lines.append("Phase\tX\tY\tBands\tError\tEuler1\tEuler2\tEuler3\tMAD\tBC\tBS")
    for point in range(len(x)):
        angles = [0, 0, 0] if lost[point] else euler[point]
        numbers = [f"{x[point]:.4f}", f"{y[point]:.4f}", "0" if lost[point] else "8"]
        numbers += ["3" if lost[point] else "0", *(f"{each:.4f}" for each in angles)]
        numbers += ["0" if lost[point] else f"{deviation:.4f}", "100", "100"]
        text = "\t".join([str(scan.phase[point]), *numbers])
        lines.append(text.replace(".", ",") if comma else text)
    path.write_text("\n".join(lines) + "\n")


def write_h5oina(path, scan, frame="oxford", degrees=False, places=True):
    x, y = scan.places()
    euler = scan.euler_rad(frame)
    lost = scan.phase == 0
    euler[lost] = np.nan
    with h5py.File(path, "w") as file:
        file["Manufacturer"] = ["Oxford Instruments"]
        file["Format Version"] = ["5.0"]
        file["Index"] = ["1"]
        data, header = file.create_group("1/EBSD/Data"), file.create_group("1/EBSD/Header")
        data["Phase"] = scan.phase.astype(np.uint8)
        data["Euler"] = (np.degrees(euler) if degrees else euler).astype(np.float32)
        if places:
            data["X"], data["Y"] = x.astype(np.float32), y.astype(np.float32)
        for axis, count in zip("YX", scan.shape, strict=True):
            header[f"{axis} Cells"] = np.array([count], np.int32)
            header[f"{axis} Step"] = np.array([scan.step_um], np.float32)
        header["Specimen Orientation Euler"] = np.zeros((1, 3), np.float32)
        for number, (name, symmetry) in enumerate(scan.phases, 1):
            phase = header.create_group(f"Phases/{number}")
            phase["Phase Name"] = [name]
            phase["Laue Group"] = np.array([LAUE[symmetry]], np.int32)


def write_bruker(path, scan, frame="oxford"):
    """`.h5` of Bruker; its x runs to the left."""
    x, y = scan.places()
    lost = scan.phase == 0
    euler = np.degrees(scan.euler_rad(frame))
    euler[lost] = 0
    with h5py.File(path, "w") as file:
        file["Manufacturer"], file["Version"] = b"Bruker Nano", b"Esprit 2.X"
        data, header = (file.create_group(f"Scan 0/EBSD/{part}") for part in ("Data", "Header"))
        for name, angle in zip(("phi1", "PHI", "phi2"), euler.T, strict=True):
            data[name] = angle
        data["Phase"] = scan.phase
        data["X SAMPLE"], data["Y SAMPLE"] = x.max() - x, y
        for name in ("PCX", "PCY", "DD", "MAD", "MADPhase", "NIndexedBands", "RadonBandCount"):
            data[name] = np.ones(len(x))
        for name in ("RadonQuality", "X BEAM", "Y BEAM", "Z SAMPLE"):
            data[name] = np.ones(len(x))
        header["NROWS"], header["NCOLS"] = scan.shape
        header["Grid Type"] = b"isometric"
        for number, (name, symmetry) in enumerate(scan.phases, 1):
            phase = header.create_group(f"Phases/{number}")
            phase["Name"], phase["IT"] = name.encode(), GROUPS[symmetry]
            phase["LatticeConstants"] = [3.0, 3, 3, 90, 90, 90]
            phase["AtomPositions/1"] = b"Cu,0,0,0,1"


def write_emsoft(path, scan, frame="edax"):
    """`.h5` of EMsoft: one phase, and for each point the two best entries of a dictionary."""
    euler, place = np.unique(np.degrees(scan.euler_rad(frame)), axis=0, return_inverse=True)
    matches = np.stack([place.ravel() + 1, np.ones(len(scan.phase), int)], 1)
    with h5py.File(path, "w") as file:
        file["Manufacturer"] = np.array([b"EMEBSDDictionaryIndexing.f90"])
        file["NMLparameters/EBSDIndexingNameListType/nnk"] = [2]
        data, header = (file.create_group(f"Scan 1/EBSD/{part}") for part in ("Data", "Header"))
        data["X Position"], data["Phase"] = scan.places()[0], np.ones(len(matches), np.uint8)
        data["TopMatchIndices"], data["FZcnt"] = matches, [len(euler)]
        data["DictionaryEulerAngles"] = euler
        header["nRows"], header["nColumns"] = [scan.shape[0]], [scan.shape[1]]
        header["Step X"] = header["Step Y"] = [scan.step_um]
        phase = header.create_group("Phase/1")
        name, symmetry = scan.phases[0]
        phase["MaterialName"] = np.array([f"{name}/{name}".encode()])
        group = {"cubic": "Cubic (Oh) [m3m]", "hexagonal": "Hexagonal (D6h) [6/mmm]"}[symmetry]
        phase["Point Group"] = np.array([group.encode()])
        for key in ("a", "b", "c", "alpha", "beta", "gamma"):
            phase[f"Lattice Constant {key}"] = [90.0 if len(key) > 1 else 0.36]


def write_orix(path, scan, frame="edax"):
    """`.h5` of orix."""
    from orix import io
    from orix.crystal_map import CrystalMap, Phase, PhaseList
    from orix.quaternion import Rotation as OrixRotation

    x, y = scan.places()
    phases = [
        Phase(name, point_group={"cubic": "m-3m", "hexagonal": "6/mmm"}[symmetry])
        for name, symmetry in scan.phases
    ]
    crystal_map = CrystalMap(
        OrixRotation.from_euler(scan.euler_rad(frame)),
        phase_id=np.where(scan.phase == 0, -1, scan.phase),
        x=x,
        y=y,
        phase_list=PhaseList(phases, ids=range(1, len(phases) + 1)),
        scan_unit="um",
    )
    io.save(str(path), crystal_map, overwrite=True)


WRITERS = {
    "m.ang": write_ang,
    "m.ctf": write_ctf,
    "m.h5oina": write_h5oina,
    "bruker.h5": write_bruker,
    "orix.h5": write_orix,
}
