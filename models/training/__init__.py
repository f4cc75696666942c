"""Training, export and evaluation of the default model (needs the `torch` extra, onnx)."""
