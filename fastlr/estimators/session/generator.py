"""Random generators of sessions, made at a fraction of the usual cost."""

from __future__ import annotations

import functools
from numbers import Integral
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from sklearn.utils import check_random_state


class _Ones(ISeedSequence):
    """Stands in for entropy that is thrown away at once."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        return np.ones(n_words, dtype)


_ONES = _Ones()


def seeded(seed: int) -> np.random.RandomState:
    """Return ``numpy.random.RandomState(seed)``, in a fraction of the time.

    The constructor first fills its 624 words from the entropy of the system, and then from the
    seed. The first takes some 80 us, as long as everything else that begins a small fit.
    """
    generator = np.random.RandomState(np.random.MT19937(_ONES))  # type: ignore[arg-type]
    generator.seed(seed)
    return generator


def session_seed(random_state: int | np.random.RandomState | None) -> int:
    """Return the seed of a session, drawn from what the user gave; a generator moves on."""
    if isinstance(random_state, Integral):
        return _drawn(int(random_state))
    return _draw(check_random_state(random_state))


@functools.lru_cache(maxsize=256)
def _drawn(seed: int) -> int:
    return _draw(seeded(seed))


def _draw(generator: np.random.RandomState) -> int:
    return int(generator.randint(np.iinfo(np.int32).max))
