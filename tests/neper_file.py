"""Tessellations as Neper 4 writes them."""

import numpy as np


def write_tess(path, structure, window_um):
    """A Neper file as Neper 4 writes it, of the tiling's own polygons."""
    tiling = structure.shape
    vertices, corners = np.unique(tiling.vertices_um, axis=0, return_inverse=True)
    corners = corners.ravel() + 1
    faces = []
    for number, (grain, start, stop) in enumerate(
        zip(tiling.grain, tiling.offsets[:-1], tiling.offsets[1:], strict=True)
    ):
        ring = corners[start:stop][:: -1 if number % 2 else 1]
        ids = " ".join(map(str, ring))
        faces.append(
            (
                grain,
                f"  {grain + 1} {len(ring)} {ids}\n   {len(ring)} {ids}\n   0.0 0.0 0.0 1.0\n   0 0 0.0 0.0 0.0",
            )
        )
    oris = "\n".join(f"   {np.rad2deg(t):.12f} 0.0 0.0" for t in structure.theta_rad)
    points = "\n".join(
        f"   {i} {x:.12f} {y:.12f} 0.000000000000 0" for i, (x, y) in enumerate(vertices, 1)
    )
    body = "\n".join(text for _, text in sorted(faces))
    path.write_text(
        f"***tess\n **format\n   3.4\n **general\n   2 standard\n **cell\n  {len(structure.theta_rad)}\n"
        f"  *ori\n   euler-bunge\n{oris}\n **vertex\n {len(vertices)}\n{points}\n **edge\n 0\n"
        f" **face\n {len(faces)}\n{body}\n **domain\n  *general\n   square\n***end\n"
    )
    return path
