"""Packages that exist only on some machines, one small module each."""
