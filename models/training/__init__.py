"""Training, export and evaluation of the default model (needs the `train` extra: torch, onnx)."""
