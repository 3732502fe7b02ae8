"""Updaters in files: safetensors with a version and a checksum, and nothing that runs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from .._version import __version__
from .binding import Binding
from .plain import NotPlainError, from_plain, to_plain

if TYPE_CHECKING:
    from ..exceptions import SavedFileError

SCHEMA = 1  # of the files that are written; all older ones can be read
_KIND = "fastlr.updater"
_DIGEST = "sha256"  # of the whole file with zeros in its place
_BLANK = "0" * 64
_STATE, _PARAM = "state/", "param/"  # how names of arrays begin


class Saved(NamedTuple):
    """Content of a file."""

    arguments: dict[str, Any]  # of `Updater`, besides the parameters
    shapes: dict[str, list[int]]  # of the parameters, by name
    dtype: str
    state_dict: dict[str, Any]
    params: dict[str, np.ndarray]  # empty if they were not saved


def pack(
    binding: Binding,
    arguments: Mapping[str, Any],
    state_dict: dict[str, Any],
    with_params: bool,
) -> bytes:
    """Return the file of an updater, all that it needs to go on; `arguments` are `Updater`'s."""
    bound = binding.bound
    if with_params and bound.on_device:
        raise TypeError("with_params=True takes parameters on the CPU; save device arrays yourself")
    tensors = {
        f"{_STATE}{name}/{p}": array
        for name, arrays in state_dict["state"].items()
        for p, array in arrays.items()
    }
    if with_params:
        named = zip(bound.names, bound.arrays, strict=True)
        tensors |= {f"{_PARAM}{name}": array.copy(order="C") for name, array in named}
    content = {
        "arguments": {name: _argument(value) for name, value in arguments.items()},
        "shapes": dict(zip(bound.names, (list(a.shape) for a in bound.arrays), strict=True)),
        "dtype": _dtype(binding),
        "rest": to_plain({k: v for k, v in state_dict.items() if k != "state"}),
        "states": list(state_dict["state"]),
        "with_params": with_params,
    }
    metadata = {
        "format": _KIND,
        "schema": str(SCHEMA),
        "fastlr": __version__,
        "content": json.dumps(content, allow_nan=False),
        _DIGEST: _BLANK,
    }
    data = safetensors.save(tensors, metadata)
    digest = hashlib.sha256(data).hexdigest()
    return data.replace(_entry(_BLANK), _entry(digest), 1)


def read(path: str | os.PathLike[str]) -> Saved:
    """Read what `pack` made; raise `SavedFileError` unless all of it is there."""
    data = Path(path).read_bytes()
    try:
        metadata = _metadata(data)
        if metadata["format"] != _KIND:
            raise damaged(path, f"it is of the kind {metadata['format']!r}")
        if int(metadata["schema"]) > SCHEMA:
            raise damaged(path, f"fastlr {metadata['fastlr']} wrote it, a later version than this")
        digest = metadata[_DIGEST]
        blank = data.replace(_entry(digest), _entry(_BLANK), 1)
        if len(digest) != len(_BLANK) or hashlib.sha256(blank).hexdigest() != digest:
            raise damaged(path, "its checksum is wrong")
        return _saved(json.loads(metadata["content"]), safetensors.load(data))
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as e:
        if isinstance(e, _error_class()):
            raise
        raise damaged(path, str(e)) from e


def damaged(path: str | os.PathLike[str], why: str) -> SavedFileError:
    """Return the error about a file that holds no updater."""
    return _error_class()(f"{os.fspath(path)!r} holds no updater that can be read: {why}")


def check_fit(saved: Saved, binding: Binding) -> None:
    """Raise ``ValueError`` unless a file was written for parameters like those bound here."""
    bound = binding.bound
    here = dict(zip(bound.names, (list(a.shape) for a in bound.arrays), strict=True))
    if set(here) != set(saved.shapes):
        raise ValueError(f"params are {sorted(here)}, and in the file {sorted(saved.shapes)}")
    for i, name in enumerate(bound.names):
        if here[name] != saved.shapes[name]:
            raise ValueError(
                f"{bound.label(i, 'params')} has shape {tuple(here[name])}, and in the file "
                f"{tuple(saved.shapes[name])}"
            )
    if _dtype(binding) != saved.dtype:
        raise ValueError(f"params are {_dtype(binding)}, and in the file {saved.dtype}")
    if saved.params and bound.on_device:
        raise ValueError("the file holds parameters for the CPU, and params are on a device")


def given_or_saved(name: str, given: Any, saved: Saved) -> Any:
    """Return an argument from the caller, else from the file, if it could be saved."""
    if given is not None:
        return given
    value = saved.arguments[name]
    if isinstance(value, NotPlainError):
        raise ValueError(f"{name}= is needed, for the file could not hold it: {value}")
    return value


def _dtype(binding: Binding) -> str:
    """Return the dtype of all parameters by name."""
    bound = binding.bound
    return str(np.dtype(binding.stepper.dtype if bound.on_device else bound.arrays[0].dtype))


def _entry(digest: str) -> bytes:
    """Return how the checksum stands in the header, where quotes of other texts are escaped."""
    return f'"{_DIGEST}":"{digest}"'.encode()


def _argument(value: Any) -> dict[str, Any]:
    try:
        return {"value": to_plain(value)}
    except NotPlainError as error:
        return {"missing": str(error)}


def _metadata(data: bytes) -> dict[str, str]:
    """Return the metadata of safetensors, which its reader of bytes leaves out."""
    size = int.from_bytes(data[:8], "little")
    if not 2 <= size <= len(data) - 8:
        raise ValueError("it is cut off, or no safetensors file")
    found = json.loads(data[8 : 8 + size])["__metadata__"]
    if not all(isinstance(value, str) for value in found.values()):
        raise ValueError("its metadata are no texts")
    return dict(found)


def _saved(content: dict[str, Any], tensors: dict[str, np.ndarray]) -> Saved:
    names: Sequence[str] = list(content["shapes"])
    arguments: dict[str, Any] = {}
    for name, held in content["arguments"].items():
        missing = "missing" in held
        arguments[name] = NotPlainError(held["missing"]) if missing else from_plain(held["value"])
    state = {s: {p: tensors.pop(f"{_STATE}{s}/{p}") for p in names} for s in content["states"]}
    params = {p: tensors.pop(f"{_PARAM}{p}") for p in names} if content["with_params"] else {}
    if tensors:
        raise ValueError(f"it holds arrays that belong to nothing: {sorted(tensors)}")
    rest = from_plain(content["rest"])
    for p, array in params.items():
        if list(array.shape) != content["shapes"][p] or array.dtype != content["dtype"]:
            raise ValueError(f"parameter {p!r} has another shape or dtype than it should")
    return Saved(arguments, content["shapes"], content["dtype"], rest | {"state": state}, params)


def _error_class() -> type[SavedFileError]:
    from ..exceptions import SavedFileError  # which brings scikit-learn

    return SavedFileError
