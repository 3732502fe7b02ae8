"""Settings of parameter groups as plain numbers: in torch they may be tensors."""

from __future__ import annotations

from typing import Any

import torch


def number(value: Any) -> float:
    """Return a rate as a float."""
    return float(value.item() if isinstance(value, torch.Tensor) else value)


def plain(value: Any) -> Any:
    """Return a setting without tensors and lists."""
    if isinstance(value, torch.Tensor):
        return value.item()
    if isinstance(value, (list, tuple)):
        return tuple(plain(each) for each in value)
    return value


def is_fixed(value: Any) -> bool:
    """Return whether a setting can only change by being replaced."""
    if isinstance(value, tuple):
        return all(is_fixed(each) for each in value)
    return not isinstance(value, (torch.Tensor, list))
