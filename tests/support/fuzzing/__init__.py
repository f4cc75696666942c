"""Mutated messages and files, and what reads them: see ``targets`` and ``campaign``."""
