"""scikit-fem: gmsh, quadratic elements, one SuperLU factorization for the three load cases.

Plain: the form as its documentation writes it. Tuned: what an expert gets from the same library, by a form with one
contraction, the smallest exact quadrature and an ordering for symmetric patterns.
"""

from importlib.metadata import version

import numpy as np
from gmsh_model import generate, nodes_and_triangles, start_gmsh
from protocol import UNIT_STRAINS, serve
from scipy.sparse import csr_array
from scipy.sparse.linalg import splu
from skfem import Basis, BilinearForm, ElementTriP2, ElementVector, LinearForm, MeshTri, condense
from skfem.helpers import ddot, dot, grad, sym_grad

VOIGT = np.array([[0, 2], [2, 1]])


@BilinearForm
def plain_elasticity(u, v, w):
    stress = np.einsum("ijkl...,kl...->ij...", w.stiffness, sym_grad(u))
    return ddot(stress, sym_grad(v))


@BilinearForm
def tuned_elasticity(u, v, w):
    return np.einsum("ijkl...,ij...,kl...->...", w.stiffness, grad(u), grad(v))


@LinearForm
def traction(v, w):
    return dot(np.einsum("ij,j...->i...", w.stress, w.n), v)


class Problem:
    """Mesh, basis and stiffness matrix of one SVE."""

    def __init__(self, sve, watch, tuned):
        self.window, self.tuned = float(sve.window_um), tuned
        with watch("mesh"):
            generate(sve)
            nodes, triangles, grain = nodes_and_triangles()
            mesh = MeshTri(np.ascontiguousarray(nodes.T), np.ascontiguousarray(triangles.T))
        with watch("assembly"):
            element = ElementVector(ElementTriP2())
            self.basis = Basis(mesh, element, intorder=2 if tuned else None)
            tensors = sve.stiffness_gpa[:, VOIGT[:, :, None, None], VOIGT][grain]
            stiffness = np.ascontiguousarray(np.moveaxis(tensors, 0, 4))[..., None]
            form = tuned_elasticity if tuned else plain_elasticity
            self.matrix = form.assemble(self.basis, stiffness=stiffness).tocsr()
            points = self.basis.doflocs
            component = np.arange(points.shape[1]) % 2
            linear = np.einsum("sab,bn->nsa", UNIT_STRAINS, points)
            self.linear = np.take_along_axis(linear, component[:, None, None], 2)[..., 0]

    def solve(self, matrix, right, prescribed, held):
        matrix, right, total, inner = condense(matrix, right, x=prescribed, D=held)
        options = {"permc_spec": "MMD_AT_PLUS_A", "options": {"SymmetricMode": True}}
        factors = splu(matrix.tocsc(), **(options if self.tuned else {}))
        total[inner] = factors.solve(np.ascontiguousarray(right))
        return total

    def mean_stiffness(self, displacement):
        return displacement.T @ (self.matrix @ displacement) / self.window**2

    def kubc(self, watch):
        with watch("solve kubc"):
            edge = self.basis.get_dofs().flatten()
            nothing = np.zeros_like(self.linear)
            total = self.solve(self.matrix, nothing, self.linear.copy(), edge)
            return self.mean_stiffness(total)

    def subc(self, watch):
        with watch("assembly"):
            facets = self.basis.boundary()
            stresses = UNIT_STRAINS * np.array([1, 1, 2])[:, None, None]
            load = np.stack([traction.assemble(facets, stress=stress) for stress in stresses], 1)
        with watch("solve subc"):
            x, y = self.basis.doflocs
            corner = np.flatnonzero((x == 0) & (y == 0))
            other = np.flatnonzero((x == self.window) & (y == 0))
            held = np.append(corner, other[1])
            total = self.solve(self.matrix, load, np.zeros_like(load), held)
            return np.linalg.inv(load.T @ total / self.window**2)

    def pbc(self, watch):
        """Opposite sides are tied by a product with a sparse matrix, in which a node copies the one that it faces."""
        with watch("solve pbc"):
            points = self.basis.doflocs.T
            folded = np.where(np.isclose(points, self.window, rtol=0, atol=1e-9), 0.0, points)
            places = np.round(folded / self.window * 1e6)
            keys = np.column_stack([places, np.arange(len(points)) % 2])
            _, master = np.unique(keys, axis=0, return_inverse=True)
            master = master.ravel()
            copy = csr_array((np.ones(len(master)), (np.arange(len(master)), master)))
            held = np.unique(master[(points == 0).all(1)])
            fluctuation = self.solve(
                (copy.T @ self.matrix @ copy).tocsr(),
                -(copy.T @ (self.matrix @ self.linear)),
                np.zeros((copy.shape[1], 3)),
                held,
            )
            return self.mean_stiffness(self.linear + copy @ fluctuation)


def homogenize(sve, boundary_conditions, watch, tuned=False):
    problem = Problem(sve, watch, tuned)
    return {name: getattr(problem, name)(watch) for name in boundary_conditions}


start_gmsh()
serve(homogenize, {name: version(name) for name in ("scikit-fem", "scipy", "gmsh", "numpy")})
