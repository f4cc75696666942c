"""Two runs over the same drive told apart: what was gained, lost, moved."""
