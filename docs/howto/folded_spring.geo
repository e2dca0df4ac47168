// Folded spring in µm: three arms in series, held at one end, moved at the other.
SetFactory("OpenCASCADE");
width = 2; arm = 40; pitch = 6;

Rectangle(1) = {0, 0, 0, arm, width};
Rectangle(2) = {arm - width, 0, 0, width, pitch + width};
Rectangle(3) = {0, pitch, 0, arm, width};
Rectangle(4) = {0, pitch, 0, width, pitch + width};
Rectangle(5) = {0, 2 * pitch, 0, arm, width};
BooleanUnion(6) = {Surface{1}; Delete;} {Surface{2:5}; Delete;};

e = 1e-3;
anchor() = Curve In BoundingBox{-e, -e, -e, e, width + e, e};
tip() = Curve In BoundingBox{arm - e, 2 * pitch - e, -e, arm + e, 2 * pitch + width + e, e};
Physical Surface("film") = {6};
Physical Curve("anchor") = anchor();
Physical Curve("tip") = tip();

Mesh.MeshSizeMax = 0.5;
Mesh.ElementOrder = 2;
