"""SfePy: gmsh, quadratic elements, the corrector problem of its homogenization examples, one SuperLU factorization."""

from importlib.metadata import version

import numpy as np
import sfepy.discrete.fem.periodic as per
from gmsh_model import generate, nodes_and_triangles, start_gmsh
from protocol import UNIT_STRAINS, serve
from sfepy.base.base import output
from sfepy.discrete import (
    Equation,
    Equations,
    FieldVariable,
    Function,
    Integral,
    Material,
    Problem,
)
from sfepy.discrete.conditions import Conditions, EssentialBC, PeriodicBC
from sfepy.discrete.fem import FEDomain, Field, Mesh
from sfepy.solvers.ls import ScipyDirect
from sfepy.solvers.nls import Newton
from sfepy.terms import Term


class Cell:
    """Mesh, field and material of one SVE."""

    def __init__(self, sve, watch):
        with watch("mesh"):
            generate(sve)
            nodes, triangles, grain = nodes_and_triangles()
            mesh = Mesh.from_data(
                "sve", nodes, None, [triangles.astype(np.int32)], [grain.astype(np.int32)], ["2_3"]
            )
        self.window = window = float(sve.window_um)
        near = 1e-9 * window
        self.sides = {
            "Left": f"x < {near}",
            "Right": f"x > {window - near}",
            "Bottom": f"y < {near}",
            "Top": f"y > {window - near}",
        }
        with watch("assembly"):
            self.domain = FEDomain("domain", mesh)
            self.omega = self.domain.create_region("Omega", "all")
            self.field = Field.from_args("u", np.float64, "vector", self.omega, approx_order=2)
            self.integral = Integral("i", order=2)
            stiffness = sve.stiffness_gpa[grain]

            def moduli(ts, coors, mode=None, **_):
                if mode == "qp":
                    return {"D": np.repeat(stiffness, len(coors) // len(stiffness), axis=0)}
                return None

            self.material = Material("m", function=Function("moduli", moduli))
            self.u = FieldVariable("u", "unknown", self.field)
            self.v = FieldVariable("v", "test", self.field, primary_var_name="u")
            self.pi = FieldVariable("Pi", "parameter", self.field, primary_var_name="u")
            points = self.field.get_coor()
            self.linear = [(points @ strain.T).ravel() for strain in UNIT_STRAINS]

    def side(self, name):
        return self.domain.create_region(name, f"vertices in ({self.sides[name]})", "facet")

    def corner(self, one, other):
        select = f"vertices in (({self.sides[one]}) & ({self.sides[other]}))"
        return self.domain.create_region(one + other, select, "vertex")

    def factorize(self, right, ebcs, epbcs=()):
        """Set up `stiffness times u + right = 0`."""
        left = Term.new(
            "dw_lin_elastic(m.D, v, u)",
            self.integral,
            self.omega,
            m=self.material,
            v=self.v,
            u=self.u,
        )
        problem = Problem("sve", equations=Equations([Equation("balance", left + right)]))
        problem.set_bcs(ebcs=Conditions(ebcs), epbcs=Conditions(list(epbcs)))
        self.solver = ScipyDirect({"use_presolve": True})
        problem.set_solver(Newton({}, lin_solver=self.solver))
        problem.time_update()
        self.variables = problem.get_initial_state()
        self.variables.apply_ebc()
        problem.update_materials()
        self.evaluator = problem.get_evaluator()
        self.start = self.variables.get_state(problem.active_only)
        self.matrix = self.evaluator.eval_tangent_matrix(self.start, problem.mtx_a)
        self.problem = problem

    def solve(self):
        """u, on all nodes, for the present value of `right`."""
        residual = self.evaluator.eval_residual(self.start)
        found = self.start - self.solver(residual, mtx=self.matrix)
        self.variables.set_state(found, self.problem.active_only)
        u = self.u().copy()
        self.variables.set_state(self.start, self.problem.active_only)
        return u

    def means(self, text, fields, **arguments):
        """Window means of a term of Pi, one column for each field."""
        term = Term.new(text, self.integral, self.omega, Pi=self.pi, **arguments)
        term.setup()
        columns = []
        for values in fields:
            self.pi.set_data(values)
            columns.append(np.asarray(term.evaluate()).ravel() / self.window**2)
        return np.array(columns).T

    def correctors(self, watch, name, ebcs, epbcs=()):
        with watch("assembly"):
            self.pi.set_data(self.linear[0])
            right = Term.new(
                "dw_lin_elastic(m.D, v, Pi)",
                self.integral,
                self.omega,
                m=self.material,
                v=self.v,
                Pi=self.pi,
            )
            self.factorize(right, ebcs, epbcs)
        with watch(f"solve {name}"):
            total = []
            for linear in self.linear:
                self.pi.set_data(linear)
                total.append(linear + self.solve())
            return self.means("ev_cauchy_stress(m.D, Pi)", total, m=self.material)

    def kubc(self, watch):
        edge = self.domain.create_region("Edge", "vertices of surface", "facet")
        return self.correctors(watch, "kubc", [EssentialBC("edge", edge, {"u.all": 0.0})])

    def subc(self, watch):
        with watch("assembly"):
            surface = self.domain.create_region("Surface", "vertices of surface", "facet")
            stress = np.zeros((3, 1))
            load = Material(
                "load",
                function=Function(
                    "load",
                    lambda ts, coors, mode=None, **_: (
                        {"val": np.tile(stress, (len(coors), 1, 1))} if mode == "qp" else None
                    ),
                ),
            )
            right = -Term.new(
                "dw_surface_ltr(load.val, v)", self.integral, surface, load=load, v=self.v
            )
            held = [
                EssentialBC("corner", self.corner("Left", "Bottom"), {"u.all": 0.0}),
                EssentialBC("other", self.corner("Right", "Bottom"), {"u.1": 0.0}),
            ]
            self.factorize(right, held)
        with watch("solve subc"):
            fields = []
            for unit in np.eye(3):
                stress[:, 0] = unit
                self.problem.update_materials()
                fields.append(self.solve())
            return np.linalg.inv(self.means("ev_cauchy_strain(Pi)", fields))

    def pbc(self, watch):
        # it returns the matches of another mesh of equally many nodes otherwise
        per.periodic_cache.clear()
        with watch("assembly"):
            fixed = [
                EssentialBC(one + other, self.corner(one, other), {"u.all": 0.0})
                for one in ("Left", "Right")
                for other in ("Bottom", "Top")
            ]
            ties = [
                PeriodicBC(name, [self.side(one), self.side(other)], {"u.all": "u.all"}, match)
                for name, one, other, match in (
                    ("x", "Left", "Right", Function("match_y_line", per.match_y_line)),
                    ("y", "Bottom", "Top", Function("match_x_line", per.match_x_line)),
                )
            ]
        return self.correctors(watch, "pbc", fixed, ties)


def homogenize(sve, boundary_conditions, watch):
    cell = Cell(sve, watch)
    return {name: getattr(cell, name)(watch) for name in boundary_conditions}


output.set_output(quiet=True)
start_gmsh()
serve(homogenize, {name: version(name) for name in ("sfepy", "scipy", "gmsh", "numpy")})
