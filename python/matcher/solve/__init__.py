"""Array problems to array answers with a status and duals: native kernel, OR-Tools, greedy behind one Protocol each."""
