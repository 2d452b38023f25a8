"""Typed facade over the C++ kernels: numpy arrays in, frozen results out. One module per family."""
