"""PolySVE itself, asked like its peers, but the cleaning of short edges counts as a part of its meshing."""

from importlib.metadata import version

from protocol import serve

from polysve.fem import boundary
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.tiling import Tiling
from polysve.settings.labels import HomogenizeSettings, MeshSettings

SOLVERS = dict(boundary.SOLVERS)


def homogenize(sve, boundary_conditions, watch, mesh, settings):
    """`mesh` and `settings` hold what differs from the defaults of the mesh and homogenize stages."""

    def timed(name):
        def solve(system):
            with watch(f"solve {name}"):
                return SOLVERS[name](system)

        return solve

    boundary.SOLVERS.update({name: timed(name) for name in SOLVERS})
    tiling = Tiling(sve.tiling_grain, sve.tiling_offsets, sve.tiling_vertices_um)
    with watch("mesh"):
        triangles = mesh_tiling(
            tiling, float(sve.window_um), float(sve.grain_size_um), MeshSettings(**mesh)
        )
    chosen = HomogenizeSettings(boundary_conditions=boundary_conditions, **settings)
    with watch("assembly"):
        label = label_mesh(triangles, sve.stiffness_gpa, chosen)
    for clock in (watch.wall_ms, watch.cpu_ms):
        clock["assembly"] -= sum(value for part, value in clock.items() if part.startswith("solve"))
    return label.stiffness_gpa


if __name__ == "__main__":
    serve(homogenize, {name: version(name) for name in ("polysve", "numpy", "scipy", "cvxopt")})
