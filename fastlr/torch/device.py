"""Parameters on a CUDA device that step together: one launch on torch's current stream."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch

from ..kernels.cuda.device import address_of
from .bucket import Bucket, Slow


def offered(tensor: torch.Tensor) -> Any:
    """Return what kernels read the address and the stream of a tensor from."""
    return tensor.detach()


def shared(array: Any, like: torch.Tensor) -> torch.Tensor:
    """Return a tensor over the memory of an array that the updater has made."""
    return torch.as_tensor(array, device=like.device)


def current(tensor: torch.Tensor) -> AbstractContextManager[Any]:
    """Make the device of a tensor the current one for a while."""
    return torch.cuda.device(tensor.device)  # type: ignore[no-any-return]


class DeviceBucket(Bucket):
    """A rule bound to tensors on one CUDA device, where its state lies too; see `Bucket`.

    Rprop's ``prev`` holds the signs of the last gradient, which is all that a step reads of it.
    """

    def __init__(self, rule: Any, tensors: list[torch.Tensor], *args: Any) -> None:
        with current(tensors[0]):
            super().__init__(rule, tensors, *args)

    def _memory(self, p: torch.Tensor) -> Any:
        return offered(p if self._keeps_shape else p.detach().as_strided((p.numel(),), (1,)))

    def _tensor(self, array: Any, i: int) -> torch.Tensor:
        return shared(array, self.tensors[i])

    def _address(self, array: Any) -> int:
        return address_of(array)

    def _save(self, given: list[Any]) -> None:
        """Leave the state as the kernel has it: torch steps on from it in the same way."""

    def sync(self) -> None:
        """Write what is not in arrays into the states; numbers of the rule come from the device."""
        self.binding.stepper.fetch_scalars()
        super().sync()

    def averaged(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return the parameters to predict with, where they are others than those stepped."""
        rule = self.binding.optimizer
        if not rule.predicts_elsewhere:
            return []
        found = []
        for i, p in enumerate(self.tensors):
            state = {
                name: self._visible(arrays[i], i).cpu().numpy()
                for name, arrays in self.binding.state.items()
            }
            values = rule.evaluate(p.detach().cpu().numpy(), state)
            found.append((p, torch.from_numpy(values).to(p.device)))
        return found

    def stepper(self, group: Any, absent: Any, keys: Any, values: Any, *guide: Any) -> Any:
        """Return what makes steps as `Stepper` does."""
        return Slow(self, group, absent, keys, values)

    def step_slowly(self) -> None:
        """Launch the kernels on torch's current stream."""
        with current(self.tensors[0]):
            super().step_slowly()
