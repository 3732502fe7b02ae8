"""Leaves out the examples of modules whose optional dependency is not installed."""

from importlib.util import find_spec

collect_ignore_glob = (
    [] if find_spec("skl2onnx") and find_spec("onnxruntime") else ["fastlr/onnx/*"]
)
