"""Beginning a session, or going on with one: fits, warm starts, `partial_fit`, and pickles."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from sklearn.utils import check_random_state

from ...optimizers import get_optimizer
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ..data.rows import Rows, is_sparse
from ..data.targets import RealTargets, Targets
from ..models.model import Model
from ..models.spec import ModelSpec, Shapes
from ..models.units import Arrays
from ..session.history import COLUMNS
from ..session.online_rate import OnlineRate
from ..session.running_scales import Known, RunningScales
from ..session.session import Session
from ..settings.settings import needs_total, rule_of_thumb


def make_spec(
    model: Model,
    targets: Targets,
    inputs: dict[str, np.ndarray],
    n_features: int,
    dtype: np.dtype,
) -> ModelSpec:
    """Return what is to be trained, from what was learned of y and of X."""
    loss, reduction = model._training_loss(targets)
    shapes = model._shapes(n_features, targets.outputs, inputs)
    return ModelSpec(targets, inputs, shapes, dtype, loss, reduction, n_features)


def begin(
    model: Model, optimizer: Optimizer, spec: ModelSpec, run: Run, warm: bool, batch_rows: int
) -> Session:
    """Begin the session of a `fit`, and its history; a warm start goes on from the last fit."""
    optimizer = at_batch_size(model, optimizer, batch_rows)
    fitted = checkpoint = None
    if warm:
        fitted = model._fitted_params()
        shapes = model._shapes(model.n_features_in_, spec.targets.outputs, {})
        _check_same_shapes(shapes, fitted)
        if not needs_total(optimizer.scheduled().values(), run):
            checkpoint = _checkpoint_now(model)
    session = _start(model, optimizer, spec, run, fitted, checkpoint)
    if checkpoint is None:
        model.n_iter_, model.n_rejected_, model._facts = 0, 0, {}
        model._history, model._n_rows, model._n_kept = np.empty((0, len(COLUMNS))), 0, 0
    model._set_targets(spec.targets)
    model._inputs, model._batch_rows = spec.inputs, batch_rows
    model._publish(session)  # whatever happens next, attributes fit each other
    return session


def go_on(model: Model) -> Session:
    """Return the session that `partial_fit` goes on with.

    The live one where it still fits; else, after unpickling or changed parameters, a new one from
    the checkpoint.
    """
    live = live_session(model)
    if live is not None and live.endless and live.settings == model._settings():
        if "_stale" not in model.__dict__:  # else nobody has touched the attributes
            live.take_replaced(model._fitted_params())
        return live
    checkpoint = _checkpoint_now(model)
    total, steps = checkpoint["run"]
    optimizer, run = at_known_rate(model, model._resolve_optimizer()), Run(total, steps)
    optimizer = at_batch_size(model, optimizer, model._batch_rows)
    if needs_total(optimizer.scheduled().values(), run):
        run = Run(None, steps)
    targets, n_features = model._known_targets(), model.n_features_in_
    spec = make_spec(model, targets, model._inputs, n_features, known_dtype(model))
    return _start(model, optimizer, spec, run, model._fitted_params(), checkpoint)


def new_scales(spec: ModelSpec, sparse: bool) -> RunningScales:
    """Return running scales that have seen nothing."""
    outputs = spec.targets.outputs if isinstance(spec.targets, RealTargets) else 0
    return RunningScales(spec.n_features, outputs, spec.dtype, sparse)


def scales_after(spec: ModelSpec, n_rows: int, sample: Rows) -> RunningScales:
    """Return running scales that go on from a fit on so many rows, of which some are given."""
    scales = new_scales(spec, is_sparse(sample.X))
    scales.start_after(n_rows, (spec.inputs, spec.targets), sample.X, sample.y)
    return scales


def first_units(
    model: Model, spec: ModelSpec, scales: RunningScales, rows: Rows, y: np.ndarray
) -> ModelSpec:
    """Let scales see the first chunk; return what is trained in the units that it asks for."""
    known = _units_after(model, spec, scales, rows, y)
    return spec if known is None else _in_units(model, spec, known, rows, y)


def _units_after(
    model: Model, spec: ModelSpec, scales: RunningScales, rows: Rows, y: np.ndarray
) -> Known | None:
    """Let scales see a chunk; return inputs and targets if they are to be others."""
    numbers = y if isinstance(spec.targets, RealTargets) else None
    X = rows.X
    if rows.weights is not None and not rows.weights.all():
        used = np.flatnonzero(rows.weights)
        X, numbers = X[used], None if numbers is None else numbers[used]
    if not scales.add(X, numbers):
        return None
    inputs, targets = scales.look(model, (spec.inputs, spec.targets))
    if inputs is spec.inputs and targets is spec.targets:
        return None
    return inputs, targets


def _in_units(model: Model, spec: ModelSpec, known: Known, rows: Rows, y: np.ndarray) -> ModelSpec:
    """Return what is trained in other units, and encode the targets of rows in them."""
    inputs, targets = known
    if targets is not spec.targets:
        rows.y = targets.encode(y, spec.dtype)
    return make_spec(model, targets, dict(inputs), spec.n_features, spec.dtype)


def keep_up(model: Model, session: Session, rows: Rows, y: np.ndarray) -> Session:
    """Let the scales see a chunk; return the session that trains it, in other units perhaps."""
    scales = session.scales
    if scales is None or scales.passes(rows.X.shape[0]):
        return session
    spec = session.spec
    was_warm = scales.warm
    known = _units_after(model, spec, scales, rows, y)
    if known is None or (was_warm and session.optimizer.rebuilds):
        return session  # sums of gradients cannot be converted
    new = _in_units(model, spec, known, rows, y)
    other = Session(
        *(model, new, session.optimizer, session.run, session.rng, False),
        online=session.online,
        scales=scales,
    )
    other.go_on_from(session, exact=was_warm)
    model._session, model._inputs = other, new.inputs
    model._set_targets(new.targets)
    return other


def at_known_rate(model: Model, optimizer: Optimizer) -> Optimizer:
    """Return the optimizer at the rate found before, if it is the one that it was found for."""
    if not model._seeks_rate() or model._lr_of != type(optimizer).__name__:
        return optimizer
    return optimizer.replace(lr=model.lr_)


def at_batch_size(model: Model, optimizer: Optimizer, rows: int) -> Optimizer:
    """Return the optimizer at its rate for mini-batches of `rows`."""
    if model.reference_batch_size is None:
        return optimizer
    from ...rates.recommendations import scale_lr  # few ask for it

    given: float = optimizer.lr  # type: ignore[attr-defined]
    lr = scale_lr(given, model.reference_batch_size, rows, optimizer=optimizer)
    return optimizer.replace(lr=lr)


def at_rule_of_thumb(model: Model, optimizer: Optimizer) -> Optimizer:
    """Return the optimizer at the rate around which to look for a better one."""
    default: Any = get_optimizer(model._rule)
    return optimizer.replace(lr=rule_of_thumb(default.lr, model._auto_lr_factor))


def live_session(model: Model) -> Session | None:
    """Return the last session of a model, None before a fit and after unpickling."""
    session: Session | None = model.__dict__.get("_session")
    if session is not None:
        session.catch_up()
    return session


def known_run(model: Model) -> Run:
    """Return the run of the last session, live or unpickled."""
    live = live_session(model)
    return Run(*model._checkpoint["run"]) if live is None else live.run


def known_dtype(model: Model) -> np.dtype:
    """Return the precision of the fitted parameters."""
    live = live_session(model)
    return next(iter(model._fitted_params().values())).dtype if live is None else live.spec.dtype


def _start(
    model: Model,
    optimizer: Optimizer,
    spec: ModelSpec,
    run: Run,
    fitted: Arrays | None,
    checkpoint: Mapping[str, Any] | None,
) -> Session:
    """Begin a session, over fitted parameters and an earlier session where they are given."""
    online = None
    if run.total_steps is None and needs_total(optimizer.scheduled().values(), run):
        # Nobody knows how many calls will follow, so there is no run to stretch it over.
        optimizer = optimizer.replace(schedule=None)
        before = None if checkpoint is None else checkpoint.get("online")
        online = OnlineRate(trained=fitted is not None)
        if before is not None:
            online.load(before)
    # A checkpoint brings the state of its generator.
    rng = seeded(session_seed(model.random_state) if checkpoint is None else 0)
    scales = None
    if checkpoint is not None and checkpoint.get("scales") is not None:
        scales = new_scales(spec, checkpoint["scales"]["sparse"])
        scales.load(checkpoint["scales"])
    session = Session(
        model, spec, optimizer, run, rng, fitted is None, online=online, scales=scales
    )
    if fitted is not None:
        session.resume(fitted, checkpoint)
    model._session, model._lr_of = session, type(optimizer).__name__
    model._set_rates(float(optimizer.lr), spec)  # type: ignore[attr-defined]
    for name in ("_checkpoint", "_stale"):
        model.__dict__.pop(name, None)
    return session


def _checkpoint_now(model: Model) -> dict[str, Any]:
    """Return the state of the last session, live or unpickled."""
    live = live_session(model)
    return model._checkpoint if live is None else live.checkpoint()


def _check_same_shapes(shapes: Shapes, fitted: Arrays) -> None:
    """Raise unless `fit` with ``warm_start`` makes a model of the shape that is there."""
    for name, array in fitted.items():
        if name in shapes and shapes[name] != array.shape:
            raise ValueError(
                f"warm_start: {name} had shape {array.shape} in the last fit, and would have "
                f"{shapes[name]} with these data; set warm_start=False to start anew"
            )


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
