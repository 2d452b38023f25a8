"""How far from proven optima the packing solvers are, given the same time."""
