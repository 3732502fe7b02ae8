"""Tests collect where optional packages are missing: every file is imported for its doctests."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
OPTIONAL = {
    *("dask", "distributed", "fastapi", "keras", "lightning", "onnx", "onnxruntime", "optax"),
    *("prometheus_client", "river", "skl2onnx", "skorch", "torch"),
}


def packages(node):
    """Return the packages that a statement at the top of a file imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and not node.level:
        return {node.module.partition(".")[0]}
    return set()


def guards(node):
    """Return the packages without which a statement, a loop over their names included, skips."""
    inside = list(ast.walk(node))
    if not any(isinstance(each, ast.Attribute) and each.attr == "importorskip" for each in inside):
        return set()
    texts = [each.value for each in inside if isinstance(each, ast.Constant)]
    return {text.partition(".")[0] for text in texts if isinstance(text, str)}


FILES = sorted(file for file in TESTS.rglob("*.py") if "recorded" not in file.parts)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_files_ask_for_optional_packages_before_they_import_them(file):
    guarded = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        assert not (packages(node) & OPTIONAL) - guarded
        guarded |= guards(node)
