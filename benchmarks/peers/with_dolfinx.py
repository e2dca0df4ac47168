"""DOLFINx: gmsh, quadratic elements, one MUMPS factorization for the three load cases."""

from importlib.metadata import version

# loads the MPI library that DOLFINx links to
from mpi4py import MPI  # isort: split

import dolfinx.io.gmsh
import gmsh
import numpy as np
import ufl
from dolfinx import default_scalar_type, fem
from dolfinx.fem import petsc
from dolfinx.mesh import exterior_facet_indices
from gmsh_model import generate, start_gmsh
from petsc4py import PETSc
from protocol import UNIT_STRAINS, serve


def voigt_strain(u):
    e = ufl.sym(ufl.grad(u))
    return ufl.as_vector([e[0, 0], e[1, 1], 2 * e[0, 1]])


class Problem:
    """Mesh, space and forms of one SVE."""

    def __init__(self, sve, watch, order):
        with watch("mesh"):
            generate(sve)
            data = dolfinx.io.gmsh.model_to_mesh(gmsh.model, MPI.COMM_SELF, 0, gdim=2)
        self.mesh, self.area = data.mesh, float(sve.window_um) ** 2
        self.window = float(sve.window_um)
        with watch("assembly"):
            self.space = fem.functionspace(self.mesh, ("Lagrange", order, (2,)))
            tensors = fem.functionspace(self.mesh, ("DG", 0, (3, 3)))
            grain = np.empty(len(data.cell_tags.values), int)
            grain[data.cell_tags.indices] = data.cell_tags.values - 1
            stiffness = fem.Function(tensors)
            stiffness.x.array[:] = sve.stiffness_gpa[grain].ravel()
            u, v = ufl.TrialFunction(self.space), ufl.TestFunction(self.space)
            self.stress = lambda u: ufl.dot(stiffness, voigt_strain(u))
            self.bilinear = fem.form(ufl.inner(self.stress(u), voigt_strain(v)) * ufl.dx)
            self.test = v

    def solver(self, matrix):
        ksp = PETSc.KSP().create(MPI.COMM_SELF)
        ksp.setOperators(matrix)
        ksp.setType("preonly")
        ksp.getPC().setType("lu")
        ksp.getPC().setFactorSolverType("mumps")
        ksp.setUp()
        return ksp

    def linear_displacement(self, strain):
        u = fem.Function(self.space)
        u.interpolate(lambda x: strain @ x[:2])
        return u

    def kubc(self, watch):
        with watch("assembly"):
            self.mesh.topology.create_connectivity(1, 2)
            dofs = fem.locate_dofs_topological(
                self.space, 1, exterior_facet_indices(self.mesh.topology)
            )
            given = fem.Function(self.space)
            bc = fem.dirichletbc(given, dofs)
            matrix = petsc.assemble_matrix(self.bilinear, bcs=[bc])
            matrix.assemble()
            # one vector of cell integrals gives the mean stress
            constants = ufl.TestFunction(fem.functionspace(self.mesh, ("DG", 0, (3,))))
            u = fem.Function(self.space)
            mean_stress = fem.form(ufl.inner(self.stress(u), constants) * ufl.dx)
        with watch("solve kubc"):
            ksp = self.solver(matrix)
            columns = []
            for strain in UNIT_STRAINS:
                given.interpolate(lambda x, strain=strain: strain @ x[:2])
                right = petsc.create_vector(self.space)
                petsc.apply_lifting(right, [self.bilinear], [[bc]])
                petsc.set_bc(right, [bc])
                ksp.solve(right, u.x.petsc_vec)
                stress = fem.assemble_vector(mean_stress).array
                columns.append(stress.reshape(-1, 3).sum(0) / self.area)
                right.destroy()
            ksp.destroy()
            matrix.destroy()
        return np.array(columns).T

    def subc(self, watch):
        with watch("assembly"):
            window = self.window

            def at(x, place):
                return np.isclose(x[0], place) & np.isclose(x[1], 0)

            corner = fem.locate_dofs_geometrical(self.space, lambda x: at(x, 0))
            vertical, _ = self.space.sub(1).collapse()
            other = fem.locate_dofs_geometrical(
                (self.space.sub(1), vertical), lambda x: at(x, window)
            )
            bcs = [
                fem.dirichletbc(np.zeros(2, default_scalar_type), corner, self.space),
                fem.dirichletbc(fem.Function(vertical), other, self.space.sub(1)),
            ]
            matrix = petsc.assemble_matrix(self.bilinear, bcs=bcs)
            matrix.assemble()
            stress = fem.Constant(self.mesh, np.zeros((2, 2)))
            load = fem.form(
                ufl.inner(ufl.dot(stress, ufl.FacetNormal(self.mesh)), self.test) * ufl.ds
            )
        with watch("solve subc"):
            ksp = self.solver(matrix)
            rights, solutions = [], []
            for unit in UNIT_STRAINS * np.array([1, 1, 2])[:, None, None]:
                stress.value[:] = unit
                right = petsc.assemble_vector(load)
                rights.append(right.array.copy())
                petsc.set_bc(right, bcs)
                u = fem.Function(self.space)
                ksp.solve(right, u.x.petsc_vec)
                solutions.append(u.x.array.copy())
                right.destroy()
            ksp.destroy()
            matrix.destroy()
            return np.linalg.inv(np.array(rights) @ np.array(solutions).T / self.area)

    def pbc(self, watch):
        """DOLFINx has no periodic constraints of its own: slaves are tied by a product with a sparse matrix."""
        with watch("assembly"):
            matrix = petsc.assemble_matrix(self.bilinear)
            matrix.assemble()
            prolongation = self.periodic_prolongation()
            reduced = matrix.ptap(prolongation)
            reduced.zeroRowsColumns([0, 1])
        with watch("solve pbc"):
            ksp = self.solver(reduced)
            energy = []
            # the functions own the memory of their vectors
            linear = [self.linear_displacement(strain) for strain in UNIT_STRAINS]
            forces = [matrix * u.x.petsc_vec for u in linear]
            for u, force in zip(linear, forces, strict=True):
                right = prolongation.createVecRight()
                prolongation.multTranspose(force, right)
                right.scale(-1)
                right.setValues([0, 1], [0.0, 0.0])
                right.assemble()
                solution = right.duplicate()
                ksp.solve(right, solution)
                total = prolongation * solution + u.x.petsc_vec
                energy.append([total.dot(other) for other in forces])
            for each in (ksp, matrix, reduced, prolongation):
                each.destroy()
            return np.array(energy) / self.area

    def periodic_prolongation(self):
        """Matrix from the free nodes to all: a node on the right or upper edge copies the one that it faces."""
        points = self.space.tabulate_dof_coordinates()[:, :2]
        folded = np.where(np.isclose(points, self.window, rtol=0, atol=1e-9), 0.0, points)
        keys = np.round(folded / self.window * 1e6).astype(np.int64)
        _, first, master = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        dofs = (2 * master.ravel()[:, None] + np.arange(2)).ravel().astype(PETSc.IntType)
        indptr = np.arange(len(dofs) + 1, dtype=PETSc.IntType)
        matrix = PETSc.Mat().createAIJ(
            (len(dofs), 2 * len(first)), csr=(indptr, dofs, np.ones(len(dofs))), comm=MPI.COMM_SELF
        )
        matrix.assemble()
        return matrix


def homogenize(sve, boundary_conditions, watch, order=2):
    problem = Problem(sve, watch, order)
    return {name: getattr(problem, name)(watch) for name in boundary_conditions}


start_gmsh()
serve(homogenize, {name: version(name) for name in ("dolfinx-solver-real", "gmsh", "numpy")})
