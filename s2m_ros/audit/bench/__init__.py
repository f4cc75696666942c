"""How fast the nodes are: drives at several rates over DDS, and the same stages without it."""
