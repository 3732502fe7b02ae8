"""Name the distribution that holds this package: the index has another called ``fastlr``."""

from __future__ import annotations

import json
import re
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import unquote, urlparse

NAME = "fastlr-optim"
ROOT = Path(__file__).resolve().parents[2]  # site-packages, or a checkout


def providers(root: Path = ROOT) -> list[str]:
    """Return the distributions that installed ``fastlr`` into a folder, this one's name first.

    None did if the folder is a source checkout that nobody installed; two did if they have
    overwritten each other's files.
    """
    found = set()
    for each in distributions():
        name = re.sub(r"[-_.]+", "-", each.metadata["Name"] or "").lower()
        if _wrote(each, root) or (name == NAME and _belongs(each, root)):
            found.add(name)
    return sorted(found, key=lambda name: (name != NAME, name))


def conflict(names: list[str]) -> str | None:
    """Return a warning about an installation that these distributions provide, or None."""
    others = [name for name in names if name != NAME]
    if not others:
        return None
    if NAME not in names:
        return f"This fastlr was installed by {' and '.join(others)}, not by {NAME}."
    return (
        f"{' and '.join([NAME, *others])} have overwritten each other's files: pip uninstall "
        f"{' '.join([NAME, *others])}, then pip install {NAME}."
    )


def _wrote(found: Distribution, root: Path) -> bool:
    """Whether a distribution's list of installed files has ``fastlr/__init__.py`` in `root`."""
    record = found.read_text("RECORD") or ""
    listed = re.search(r"^fastlr/__init__\.py,", record, re.MULTILINE) is not None
    return listed and _folder(found) == root


def _belongs(found: Distribution, root: Path) -> bool:
    """Whether a distribution is an editable install of `root`, or lies there without a list."""
    if found.read_text("RECORD") is None:
        return _folder(found) == root
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    if not origin.get("dir_info", {}).get("editable"):
        return False
    source = Path(unquote(urlparse(origin.get("url", "")).path)).resolve()
    return source == root or source / "build" in root.parents


def _folder(found: Distribution) -> Path:
    return Path(str(found.locate_file(""))).resolve()
