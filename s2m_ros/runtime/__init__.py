"""Models at run time: manifests, ONNX Runtime sessions, and how they become a ``Perception``."""
