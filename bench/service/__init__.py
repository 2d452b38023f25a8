"""Macro: Match over gRPC, a server and a client in two processes."""
