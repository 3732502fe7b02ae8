"""Recipes of arguments that no documentation allows, and of the many that it does.

A recipe is a few small choices, so that a failing example is short and can be built again.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

NATIVE = ("f8", "f4")
DTYPES = (
    *NATIVE,
    *("f2", "g", ">f8", ">f4", "i1", "i4", "i8", "u8", ">i4", "?"),
    *("c16", "O", "U3", "S3", "M8[s]", "m8[s]", "V8"),
)
FILLS = (
    *("normal", "zeros", "ones", "huge", "tiny", "denormal", "largest"),
    *("nan", "inf", "one nan", "one inf", "mixed sizes"),
)
SIZES = {"huge": 1e30, "tiny": 1e-30, "denormal": 1e-310, "largest": 1e308}
LAYOUTS = (
    *("C", "F", "backwards", "strided", "misaligned", "read-only", "broadcast", "list"),
    *("csr", "csc", "coo", "csr int64", "csr mixed", "csr read-only"),
)
BROKEN = (
    *("above", "negative", "falling", "end", "start", "short", "few entries", "few indices"),
    *("float indices", "unsorted", "duplicates", "stored zeros"),
)
SCALARS = (
    *(True, False, None, 0, 1, -1, 2, 7, 2**31 - 1, 2**31, 2**63, -(2**63), 10**400),
    *(0.0, -0.0, 0.5, 1e-3, 1.0, 5e-324, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", "auto", "adam", "sgd", "x", "1", b"auto", (), [], {}, slice(0.1, 0.2), 1j, object),
    *(np.bool_(True), np.str_("adam"), np.float32(0.1), np.float64("nan"), np.int8(-3)),
    *(np.int64(2), np.array(0.5), np.array([0.5]), np.array("x"), range(3), lambda *_: 0),
)


class Choices:
    """Choices spelled by bytes: the first of everything where they are zero, or used up.

    Hypothesis draws the bytes, and makes those of a failing example few and small.
    """

    def __init__(self, spelled):
        self.left = iter(spelled)

    def of(self, values):
        return values[next(self.left, 0) % len(values)]

    def rarely(self, one_in=4):
        return next(self.left, 0) % one_in == 1


class Recipe(NamedTuple):
    """How to make an array or a matrix."""

    shape: tuple = (8, 3)
    dtype: str = "f8"
    fill: str = "normal"
    layout: str = "C"
    broken: str = ""
    seed: int = 0

    def build(self):
        values = _fill(self)
        if self.layout.startswith(("cs", "coo")):
            return _sparse(values, self)
        return _laid_out(values, self.layout)


def recipe(choose, shape):
    """Choose how to make an array; most are of `shape`, or have one flaw."""
    found = Recipe(shape, choose.of(NATIVE), seed=choose.of(range(4)))
    if choose.rarely(3):
        found = found._replace(layout=choose.of(LAYOUTS))
    if not choose.rarely(3):
        return found
    if choose.rarely(2):
        found = found._replace(shape=choose.of(odd_shapes(shape)))
    if choose.rarely(2):
        found = found._replace(dtype=choose.of(DTYPES))
    if choose.rarely(2):
        found = found._replace(fill=choose.of(FILLS))
    if choose.rarely(2):
        found = found._replace(layout=choose.of(LAYOUTS), broken=choose.of(BROKEN))
    return found


def odd_shapes(shape):
    n = shape[0] if shape else 1
    return [
        *((), (0,), (n,), (n + 1,), (0, 3), (n, 0), (n, 1)),
        *((1, 3), (n, 3), (n, 4), (n, 3, 1), (0, 0)),
    ]


def _fill(recipe):
    rng = np.random.RandomState(recipe.seed)
    shape, fill = recipe.shape, recipe.fill
    values = rng.standard_normal(shape)
    if fill in ("zeros", "ones"):
        values = np.full(shape, float(fill == "ones"))
    elif fill in ("nan", "inf"):
        values = np.full(shape, float(fill))
    elif fill in ("one nan", "one inf") and values.size:
        values = np.array(values)
        values.flat[values.size // 2] = float(fill[4:])
    elif fill == "mixed sizes":
        values = values * 10.0 ** rng.randint(-300, 300, shape)
    else:
        with np.errstate(over="ignore"):
            values = values * SIZES.get(fill, 1.0)
    dtype = np.dtype(recipe.dtype)
    values = np.asarray(values)
    if dtype.kind in "UOSmMV":
        whole = np.nan_to_num(values, nan=0, posinf=1, neginf=-1).clip(-5, 5).astype("i8")
        if dtype.kind == "O":
            return _objects(values, recipe.seed)
        if dtype.kind == "V":
            return whole.view("V8") if whole.ndim else whole
        return whole.astype(dtype)
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def _objects(values, seed):
    found = values.astype(object)
    odd = [None, "x", {}, 10**400, values, 1j]
    if values.size and seed:
        found.flat[0] = odd[seed % len(odd)]
    return found


def _laid_out(values, layout):
    if layout == "list":
        return values.tolist()
    if layout == "F":
        return np.asfortranarray(values)
    if layout == "backwards" and values.ndim:
        return values[::-1]
    if layout == "strided" and values.ndim:
        return np.repeat(values, 2, axis=0)[::2]
    if layout == "broadcast" and values.ndim and len(values):
        return np.broadcast_to(values[:1], values.shape)
    if layout == "misaligned" and values.dtype.kind not in "O":
        room = np.zeros(values.nbytes + 1, np.uint8)
        odd = room[1:].view(values.dtype) if values.size else values.ravel()
        odd = odd.reshape(values.shape)
        odd[...] = values
        return odd
    if layout == "read-only":
        values = np.array(values)
        values.flags.writeable = False
    return values


def _sparse(values, recipe):
    if values.ndim != 2 or values.dtype.kind in "OUSmMV" or values.dtype.str[1:] == "f2":
        return values
    if not values.dtype.isnative:
        return values
    layout = recipe.layout
    rng = np.random.RandomState(recipe.seed)
    if recipe.seed % 2:
        values = np.where(rng.random_sample(values.shape) < 0.3, values, values.dtype.type(0))
    found = {"csc": sparse.csc_matrix, "coo": sparse.coo_matrix}.get(layout, sparse.csr_matrix)(
        values
    )
    if found.format == "coo":
        if recipe.broken in ("above", "negative") and found.nnz:
            found.row[0] = 10**6 if recipe.broken == "above" else -7
        return found
    if "int64" in layout or "mixed" in layout:
        found.indptr = found.indptr.astype(np.int64)
    if "int64" in layout:
        found.indices = found.indices.astype(np.int64)
    _break(found, recipe.broken)
    if "read-only" in layout:
        for part in (found.data, found.indices, found.indptr):
            part.flags.writeable = False
    return found


def _break(X, how):
    n = len(X.indices)
    if how in ("above", "negative") and n:
        X.indices[n // 2] = 2**31 - 1 if how == "above" else -7
    elif how == "falling" and len(X.indptr) > 2:
        X.indptr[1] = X.indptr[-1] + 1
    elif how == "end":
        X.indptr[-1] += 10**6
    elif how == "start":
        X.indptr[0] = -(10**6)
    elif how == "short":
        X.indptr = X.indptr[:-1]
    elif how == "few entries":
        X.data = X.data[: n // 2]
    elif how == "few indices":
        X.indices = X.indices[: n // 2]
    elif how == "float indices":
        X.indices = X.indices.astype(float)
    elif how == "unsorted":
        X.indices[:] = X.indices[::-1].copy()
    elif how == "duplicates" and n:
        X.indices[:] = X.indices[0]
    elif how == "stored zeros":
        X.data[::2] = 0
