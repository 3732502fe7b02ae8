"""Binding a live linear model to the compiled loops of single rows."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ...core.hyper import HyperParameters
from ...core.locks import lock_of
from ...core.unmixed import CLOCK
from ...training.engine import compiled
from ..data.targets import ClassTargets, RealTargets
from ..fitting.epochs import make_room
from ..fitting.learn_chunk import share_of
from ..models.model import Model
from ..session import online_rate, usual_loss
from ..session.history import MOST
from ..session.session import Session
from .rows import fill

_rows: Any
try:
    _rows = importlib.import_module("fastlr.training.online._rows")
except ImportError:  # no compiler at installation
    _rows = None


_OF_USUAL = ("MEMORY", "KNOWN", "CHUNKS", "FAR", "STEEP")
_OF_RATE = (
    *("SHORT", "LONG", "FIRST", "CHUNKS", "SIGMAS", "LOWEST", "HIGHEST", "RAISE"),
    *("FALL", "CALM", "LEARNING", "HARD", "SOFT", "DRIFT"),
)


class Bound(NamedTuple):
    """What a `RowLearner` looks at and writes.

    Attributes
    ----------
    loop, stepper, capsule : object
        The epoch's compiled loop, its stepper, and the address of a step.
    live : list of ndarray
        All that steps change.
    state : dict
        Attributes of the model.
    clock_key, steps_key, epochs_key, rows_key, stale_key : str
        Names among them of counts of changes, steps, epochs and rows of the history, and of the
        mark of a model whose fitted attributes are behind.
    of_usual, of_rate : dict
        Constants of `UsualLoss` and `OnlineRate`.
    codes : dict or None
        Code of each label; None for numbers.
    units : tuple of (float, float, bool)
        Shift and scale of numbers, and whether there are any.
    views : bool
        Whether fitted attributes are the parameters themselves.
    hand_over : callable
        Takes the rows that fill the buffer.
    merge : callable
        Makes room in the table of epochs.
    most_rows : int
        Rows of online calls at which some are merged.
    """

    loop: Any
    stepper: Any
    capsule: Any
    live: list[np.ndarray]
    state: dict[str, Any]
    clock_key: str
    steps_key: str
    epochs_key: str
    rows_key: str
    stale_key: str
    of_usual: dict[str, float]
    of_rate: dict[str, float]
    codes: dict[Any, int] | None
    units: tuple[float, float, bool]
    views: bool
    hand_over: Callable[[], None]
    merge: Callable[[], None]
    most_rows: int


class RowLoop:
    """Learns rows of one session in a compiled loop, and tells the session what it has counted.

    Parameters
    ----------
    model : estimator
        Fitted.
    session : Session
        Its live session.
    """

    def __init__(self, model: Model, session: Session) -> None:
        self.session = session
        self._model = model
        self._learner: Any = None
        if _is_able(model, session):
            row = _rows.RowOf(session.spec.n_features, session.spec.dtype, fill)
            self._learner = _rows.RowLearner(_bound(model, session, self), row)

    def learn(self, x: Any, y: Any) -> bool:
        """Learn from a row; return False, with nothing changed, if Python has to."""
        return self._learner is not None and self._learner.learn(x, y)

    def load(self) -> None:
        """Get ready for rows after one that Python has learned; the caller holds the lock."""
        session, learner, model = self.session, self._learner, self._model
        if learner is None:
            return
        session.catch_up()
        online, facts, scales = session.online, session.stream_facts, session.scales
        if facts is None or not session.usual.is_known:
            return
        if online is not None and not session.is_at_share(share_of(model, online, session, 1)):
            return
        state = model.__dict__
        left = facts.calls_until_event
        if scales is not None:
            left = min(left, scales.rows_until_event)
        if left < 1:
            return
        params = model.get_params(deep=False)
        fixed = [*params.items(), ("_session", session)]
        if session.hands_out_views:
            fixed += [(name, state[name]) for name in ("coef_", "intercept_")]
        mutable = [
            (vars(p), dict(vars(p))) for p in params.values() if isinstance(p, HyperParameters)
        ]
        rate = None if online is None else [*online.state().values(), online.factor]
        step = session.last_step()
        learner.load(
            [*session.usual.state().values()],
            rate,
            left,
            self._rows_to_hand_over,
            tuple(fixed),
            tuple(mutable),
            step[0],
            step[1],
        )
        session.on_catch_up = self.unload

    def hand_over(self) -> None:
        """Hand the rows in the buffer to running scales and the facts of the stream."""
        learner, session = self._learner, self.session
        n = learner.take_buffered()
        if not n:
            return
        if session.scales is not None:
            session.scales.add(learner.X[:n], None if self._has_labels else learner.y[:n])
        session.stream_facts.skip(learner.targets[:n])
        if session.heading is None or session.online is None:
            return
        cosine = session.heading.observe(n, n)
        if cosine is not None:
            session.online.at_rest = learner.at_rest
            session.online.turn(cosine)
            learner.at_rest = session.online.at_rest
        learner.limit_buffer(self._rows_to_hand_over)

    def merge(self) -> None:
        """Make room in the table of epochs, as the next row would in Python."""
        make_room(self._model)
        self._learner.take_history()

    @property
    def _rows_to_hand_over(self) -> int:
        """Rows that end a window of moves."""
        heading = self.session.heading
        return sys.maxsize if heading is None else heading.rows_until_end

    @property
    def _has_labels(self) -> bool:
        return isinstance(self.session.spec.targets, ClassTargets)

    def unload(self) -> None:
        """Tell the session all that the compiled loop has counted."""
        with lock_of(self._model):
            if not self._learner.loaded:
                return
            self.session.on_catch_up = None
            usual, rate = self._learner.unload()
            self.session.usual.load(dict(zip(self.session.usual.state(), usual, strict=True)))
            if self.session.online is not None:
                names = self.session.online.state()
                self.session.online.load(dict(zip(names, rate[:-1], strict=True)))
            self.hand_over()


def _is_able(model: Model, session: Session) -> bool:
    """Return whether the compiled loop computes what Python would."""
    loop = getattr(session.epoch, "loop", None)
    targets = session.spec.targets
    return (
        _rows is not None
        and loop is not None
        and getattr(session.epoch, "model", "") == "linear"
        and not (session.epoch.uses_blas or session.listens or session.lags)
        and session.keep(1)
        and not session.updater.optimizer.schedules
        and session.updater.binding.fallback is None
        and model.class_weight is None
        and not model.verbose
        and "feature_names_in_" not in model.__dict__
        and (
            not targets.multilabel
            if isinstance(targets, ClassTargets)
            else targets.vector and targets.outputs == 1
        )
        and len(session.kept_arrays) <= 24
    )


def _bound(model: Model, session: Session, loop: RowLoop) -> Bound:
    targets = session.spec.targets
    codes, units = None, (0.0, 1.0, False)
    if isinstance(targets, RealTargets):
        units = float(targets.shift[0]), float(targets.scale[0]), targets.scaled
    else:
        codes = {label: code for code, label in enumerate(targets.classes.tolist())}
    return Bound(
        session.epoch.loop,
        session.updater.binding.stepper,
        compiled("linear").row_step(session.epoch.loop),
        session.kept_arrays,
        model.__dict__,
        CLOCK,
        "t_",
        "n_iter_",
        "_n_rows",
        "_stale",
        _constants(usual_loss, _OF_USUAL),
        _constants(online_rate, _OF_RATE),
        codes,
        units,
        session.hands_out_views,
        loop.hand_over,
        loop.merge,
        MOST,
    )


def _constants(module: ModuleType, names: tuple[str, ...]) -> dict[str, float]:
    return {name: float(getattr(module, name)) for name in names}


def row_scores(model: Any, dtype: np.dtype) -> Any:
    """Return compiled scores by the fitted attributes of a linear model; None where none fit."""
    coef: Any = getattr(model, "coef_", None)
    intercept: Any = getattr(model, "intercept_", None)
    fit = [
        type(a) is np.ndarray and a.dtype == dtype and a.flags.c_contiguous and a.flags.aligned
        for a in (coef, intercept)
    ]
    if _rows is None or not all(fit) or getattr(model, "multilabel_", False):
        return None
    n_features, outputs = model.n_features_in_, math.prod(np.shape(intercept))
    if np.shape(intercept) != (outputs,) or np.size(coef) != outputs * n_features:
        return None
    labels = None
    if hasattr(model, "classes_"):
        labels = list(model.classes_)
    elif outputs != 1 or np.ndim(coef) != 1 or model._loss().link == "log":
        return None
    keys = "coef_", "intercept_", "_stale", CLOCK
    row = _rows.RowOf(n_features, dtype, fill)
    return _rows.RowScores(model.__dict__, keys, row, coef, intercept, labels)
