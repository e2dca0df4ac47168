"""Hunts for a third outcome: thousands of damaged files of each kind, each answered or refused in one line.

A file is made by the makers below, damaged at random (seeded), and asked about as the command line would ask. An answer
must be finite, positive definite and within Reuss and Voigt. Anything else is a find: another exception, several lines,
more than 30 s, more than 2 GiB, a process that dies.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
SECONDS, GIBIBYTES = 30, 2.0
TOKENS = ["nan", "inf", "-1", "0", "1e308", "-1e-308", "99999999999", "0,5", "2.5", "1e999", "x"]
TOKENS += ["''", "[]", "é", "\x00"]


class Kind(NamedTuple):
    """Files of one kind."""

    make: Callable[[Path], Path]
    """Write a whole one into a folder."""
    ask: Callable[[Path], str]
    """Ask about it; the answer in a word."""
    text: bool


def stiffness_of(path: Path, **options) -> str:
    """Homogenize the film of a file and check the answer against what bounds it."""
    from polysve.crystals.stiffness import voigt_reuss
    from polysve.fem.homogenize import homogenize
    from polysve.films.readers import read_film
    from polysve.films.reading import Reading

    film = read_film(path, Reading(**options))
    label = homogenize(film)
    voigt, reuss = voigt_reuss(film.stiffness_gpa, film.area_fractions)
    slack = 2e-3 * voigt[0, 0] * np.eye(3)
    for name, stiffness in label.stiffness_gpa.items():
        for gap in (voigt - stiffness + slack, stiffness - reuss + slack, stiffness):
            if not np.linalg.eigvalsh(gap).min() > 0:
                raise RuntimeError(f"wrong answer: {name} is {stiffness.tolist()}")
    return "answered"


def faults_of(path: Path) -> str:
    """Check a result file."""
    from polysve.data.checking import faults_in

    return "refused" if faults_in(path) else "answered"


def _table(folder: Path, header: str, phases: bool = False) -> Path:
    """Generators of nine grains."""
    random = np.random.default_rng(1)
    points = (np.stack(np.meshgrid(range(3), range(3)), -1).reshape(-1, 2) + 0.5) / 1.5
    points += random.uniform(-0.15, 0.15, points.shape)
    angles = random.uniform(10, 80, (9, header.count("deg")))
    rows = [",".join(f"{number:.4f}" for number in row) for row in np.hstack([points, angles])]
    if phases:
        rows = [f"{row},{'copper' if number % 2 else 'zinc'}" for number, row in enumerate(rows)]
    path = folder / "film.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def _picture(folder: Path) -> Path:
    random = np.random.default_rng(1)
    labels = np.repeat(np.repeat(random.integers(0, 6, (4, 6)), 3, 0), 3, 1)
    path = folder / "film.npz"
    np.savez(path, label_image=labels, euler_deg=random.uniform(0, 90, (6, 3)), window_um=2.0)
    return path


def _map(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        from ebsd_maps import WRITERS, Map, cells
        from scipy.spatial.transform import Rotation

        grain = cells((12, 15), 6, 1).ravel()
        turns = Rotation.random(6, random_state=1)[grain]
        phases = (("copper", "cubic"), ("zinc", "hexagonal"))
        scan = Map((12, 15), 0.1, turns, grain % 2 + 1, phases)
        WRITERS[name](folder / name, scan.without([7, 40, 41]))
        return folder / name

    return make


def _tiling(folder: Path) -> Path:
    from neper_file import write_tess
    from structures import draw

    film, window_um = draw(2)
    return write_tess(folder / "film.tess", film, window_um)


def _mesh(ending: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        import meshio
        from structures import meshed

        mesh, _ = meshed(4)
        points = np.column_stack([mesh.nodes_um, np.zeros(len(mesh.nodes_um))])
        name = {".vtu": "grain", ".msh": "gmsh:physical"}[ending]
        data = {name: [mesh.grain]} | (
            {"gmsh:geometrical": [mesh.grain]} if ending == ".msh" else {}
        )
        options = (
            {"file_format": "gmsh22", "binary": False} if ending == ".msh" else {"binary": False}
        )
        path = folder / f"film{ending}"
        meshio.write(
            path, meshio.Mesh(points, [("triangle", mesh.triangles)], cell_data=data), **options
        )
        return path

    return make


def _ask_mesh(path: Path) -> str:
    table = path.parent / "angles.csv"
    if not table.exists():
        table.write_text("grain,theta_deg\n" + "".join(f"{n},{10 * n + 1}\n" for n in range(9)))
    return stiffness_of(path, orientations=table)


def _ensemble(folder: Path) -> Path:
    from studies import make_ensemble

    return make_ensemble(folder, 3)


def _model(folder: Path) -> Path:
    from studies import PERIODIC_LABELS, make_ensemble, make_model

    return make_model(folder, make_ensemble(folder, 40, **PERIODIC_LABELS))


def _ask_model(path: Path) -> str:
    from polysve.surrogate.network import load_surrogate

    load_surrogate(path)
    return "answered"


def _window(path: Path) -> str:
    return stiffness_of(path, window_um=2.0)


EULER = "x_um,y_um,phi1_deg,Phi_deg,phi2_deg"
KINDS = {
    "table": Kind(lambda folder: _table(folder, "x_um,y_um,theta_deg"), _window, True),
    "phases": Kind(lambda folder: _table(folder, f"{EULER},phase", True), _window, True),
    "picture": Kind(_picture, stiffness_of, False),
    "ang": Kind(_map("m.ang"), stiffness_of, True),
    "ctf": Kind(_map("m.ctf"), stiffness_of, True),
    "h5oina": Kind(_map("m.h5oina"), stiffness_of, False),
    "bruker": Kind(_map("bruker.h5"), stiffness_of, False),
    "orix": Kind(_map("orix.h5"), stiffness_of, False),
    "tess": Kind(_tiling, stiffness_of, True),
    "vtu": Kind(_mesh(".vtu"), _ask_mesh, True),
    "msh": Kind(_mesh(".msh"), _ask_mesh, True),
    "ensemble": Kind(_ensemble, faults_of, False),
    "network": Kind(_model, _ask_model, False),
}


def damaged(content: bytes, text: bool, seed: int) -> bytes:
    """A file with one to three things wrong."""
    random = np.random.default_rng(seed)
    for _ in range(random.integers(1, 4)):
        if not content:
            break
        ways = [_flip, _cut, _drop, _repeat, _insert]
        if text:
            ways += 2 * [_digit, _token, _swap_lines, _drop_line, _digit, _token]
        content = ways[random.integers(len(ways))](content, random)
    return content


def _flip(content: bytes, random) -> bytes:
    place, bit = random.integers(len(content)), 1 << random.integers(8)
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]


def _cut(content: bytes, random) -> bytes:
    return content[: random.integers(len(content))]


def _span(content: bytes, random) -> tuple[int, int]:
    start = int(random.integers(len(content)))
    return start, start + int(random.integers(1, 64))


def _drop(content: bytes, random) -> bytes:
    start, stop = _span(content, random)
    return content[:start] + content[stop:]


def _repeat(content: bytes, random) -> bytes:
    start, stop = _span(content, random)
    return content[:stop] + content[start:stop] * int(random.integers(1, 4)) + content[stop:]


def _insert(content: bytes, random) -> bytes:
    start, stop = _span(content, random)
    return content[:start] + random.bytes(stop - start) + content[start:]


def _digit(content: bytes, random) -> bytes:
    places = [place for place, byte in enumerate(content) if 48 <= byte < 58]
    if not places:
        return content
    place = places[random.integers(len(places))]
    return content[:place] + b"%d" % random.integers(10) + content[place + 1 :]


def _token(content: bytes, random) -> bytes:
    lines = content.split(b"\n")
    row = random.integers(len(lines))
    mark = b"," if b"," in lines[row] else b"\t" if b"\t" in lines[row] else b" "
    words = lines[row].split(mark)
    words[random.integers(len(words))] = TOKENS[random.integers(len(TOKENS))].encode()
    lines[row] = mark.join(words)
    return b"\n".join(lines)


def _swap_lines(content: bytes, random) -> bytes:
    lines = content.split(b"\n")
    one, other = random.integers(len(lines), size=2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _drop_line(content: bytes, random) -> bytes:
    lines = content.split(b"\n")
    del lines[random.integers(len(lines))]
    return b"\n".join(lines)


def outcome(kind: Kind, path: Path) -> str:
    """answered, refused, or what else happened."""
    from polysve.base.errors import InputError

    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = kind.ask(path)
    except InputError as error:
        found = "refused" if str(error).strip() else "an empty refusal"
    except BaseException as error:
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    if time.monotonic() - start > SECONDS:
        found = f"{time.monotonic() - start:.0f} s, then {found}"
    return found


def hunt(name: str, seeds: range, tell: Callable[[int, str], None]) -> None:
    """Damage, ask, tell."""
    kind = KINDS[name]
    with tempfile.TemporaryDirectory() as folder:
        whole = kind.make(Path(folder))
        content = whole.read_bytes()
        # what is compiled at the first call has no limit
        if kind.ask(whole) != "answered":
            raise RuntimeError(f"a whole file of the kind {name} is not answered")
        for seed in seeds:
            whole.write_bytes(damaged(content, kind.text, seed))
            tell(seed, outcome(kind, whole))


def _child(name: str, seeds: range, pipe) -> None:
    hunt(name, seeds, lambda seed, found: pipe.send((seed, found)))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    pipe.send((-1, round(used, 2)))


def watched(name: str, count: int) -> dict:
    """Hunt in a process of its own, which may die."""
    found, first, memory = {}, 0, None
    while first < count:
        mine, theirs = get_context("spawn").Pipe(duplex=False)
        process = get_context("spawn").Process(
            target=_child, args=(name, range(first, count), theirs)
        )
        process.start()
        theirs.close()
        try:
            while True:
                if not mine.poll(10 * SECONDS):
                    found[first] = f"no answer in {10 * SECONDS} s"
                    break
                seed, what = mine.recv()
                if seed < 0:
                    memory = what
                    if what > GIBIBYTES:
                        found[first] = f"{what} GiB"
                    break
                found[seed], first = what, seed + 1
        except EOFError:
            found[first] = "the process died"
        if first < count:
            process.kill()
            first += 1
        process.join()
    finds = {seed: what for seed, what in found.items() if what not in ("answered", "refused")}
    return {
        "kind": name,
        "n": count,
        "answered": sum(what == "answered" for what in found.values()),
        "refused": sum(what == "refused" for what in found.values()),
        "finds": finds,
        "largest_memory_gib": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = []
    for name in given.kinds:
        start = time.monotonic()
        results.append(watched(name, given.count) | {"seconds": round(time.monotonic() - start, 1)})
        if not given.json:
            print(json.dumps(results[-1]), flush=True)
    if given.json:
        print(json.dumps({"kinds": results}, indent=1))
    sys.exit(any(each["finds"] for each in results))


if __name__ == "__main__":
    main()
