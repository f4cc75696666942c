"""TensorRT through ONNX Runtime: fixed graphs, engines by key, the checks before and after."""

PROVIDER = "TensorrtExecutionProvider"
