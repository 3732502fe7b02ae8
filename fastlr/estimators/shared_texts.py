r"""Paragraphs that several estimators have in their docstrings, where ``%(name)s`` stands."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TypeVar

Estimator = TypeVar("Estimator", bound=type)

_TEXTS = r"""
optimizer:
    Name or object, such as ``SGD(momentum=0.9)``. The parameters of an object can be reached
    as ``optimizer__weight_decay``; it is copied and never changed. Weight decay is the
    optimizer's own, and the intercept is never decayed; with a `penalty`, an optimizer named
    by a string has none. ``"auto"`` looks for the one in `fit` by whole trainings with ``"adamw"``,
    ``"adagrad"`` and ``SGD(momentum=0.9)``, each at a rate of its own, judged on rows held out;
    AdamW stays unless another is better by more than chance, and begins in `partial_fit`.
penalty:
    What is added to the loss: ``alpha`` times the mixture of L1 and L2 that `l1_ratio` says,
    :math:`\alpha (\rho |W|_1 + \tfrac12 (1 - \rho) |W|_2^2)`, without the intercept. Its
    minimum is the same under every optimizer, on dense and on sparse rows, and the L1 part
    makes exact zeros (an average of weights has fewer). Where features are standardised,
    this is about the weights of standardised features.
strength:
    :math:`\alpha`. ``"auto"`` looks for it in `fit`: the model is trained whole on a part of the
    rows at strengths a decade apart, each at a rate of its own where ``lr="auto"``, and the
    one with the least loss on the other rows is kept, half a decade up or down. Some six
    trainings on each of one to five folds; more folds for fewer rows. In `partial_fit` and
    `fit_stream` it is 1e-4.
max_epochs:
    Epochs of `fit`, at most. ``"auto"`` doubles the default as long as the loss on rows held
    out falls by a hundredth of itself and by more than chance, up to 32 times it; with
    ``alpha="auto"`` it then looks for the strength again.
schedule:
    How the rate changes over the run. An optimizer object with a schedule of its own keeps
    that; naming another one here as well is an error.
batch_size:
    Rows in a mini-batch. ``"auto"`` makes some 128 steps of an epoch, of 128 rows at most:
    ``min(max(n_samples // 128, 1), 128)``. In `fit`, data of up to 256 rows are put whole
    into each of 128 steps, which are then called an epoch.
reference_batch_size:
    Batch size that the rate given is for. It is scaled to the one in use as `scale_lr` does:
    in proportion for SGD, QHM, ASGD and ScheduleFreeSGD, and beyond 1,000 rows by the square
    root, which other optimizers take throughout; those that find their own rate keep it.
    None takes the rate as it is, and ``lr="auto"`` finds the one for the batch size in use,
    so that it is refused here. A batch is never larger than the data; in `partial_fit` and
    `fit_stream` that of the first chunk counts.
tol:
    Least improvement that counts when deciding whether to stop: of the training loss, and
    with `early_stopping` of the validation score. None trains for all epochs, and with
    `early_stopping` lets any improvement count. Where it may stop, the weights of the best
    epoch are handed out.
early_stopping:
    Whether to stop, and to choose the best epoch, by the accuracy on rows held out, or on
    `X_val` of `fit`. A schedule that is stretched over the run, as ``"onecycle"`` is, would be
    cut off while its rate is still high. When nothing improves any more, training therefore
    goes on for as many epochs again at most, while the rate falls as at the schedule's end.
    Other schedules stop at once.
standardize:
    Whether to train on features shifted and scaled to mean 0 and variance 1, without a copy
    of X; the fitted attributes are for the features as they are. ``"auto"`` looks at a part
    of the rows and does so where scales or offsets of the features would hinder training.
    `partial_fit` decides by its first rows, and keeps scales up to date. Sparse X, which it
    never scales, is never shifted, and ``"auto"`` scales only features with entries ten times
    as large as is usual.
class_weight:
    Weights by class, which multiply `sample_weight`; ``"balanced"`` weighs classes inversely
    to their frequency, and is not available in `partial_fit`.
clip_norm:
    Largest norm of a gradient; longer ones are scaled down to it. None leaves it to the
    optimizer.
warm_start:
    Whether `fit` starts from the weights of the last one. A schedule that says its own
    length, or none, goes on where it was, with optimizer state and history; one that is
    stretched over the run, as ``"onecycle"`` is, starts again with fresh state.
n_threads:
    Threads that share a step of a very large model, and that BLAS may use in `fit` where it
    does the products (with many classes).
lr_:
    Learning rate, which the schedule multiplies: the one given or found, scaled to the batch
    size.
history_:
    Table of the epochs: ``epoch``, ``loss``, ``validation_loss``, ``validation_score``, then
    ``lr``, ``momentum`` and ``gradient_norm`` of the last step, ``seconds``, and what
    `diagnose` reads; NaN where there is none.
divergence:
    Training that leaves the finite numbers stops with a `DivergenceWarning` that names rate and
    step, and the weights of the last finished epoch are kept.
loss:
    ``"squared_error"``, ``"huber"``, ``"epsilon_insensitive"``,
    ``"squared_epsilon_insensitive"``, ``"quantile"``, ``"log_cosh"``; with a logarithmic link,
    so that predictions are positive, ``"poisson"``, ``"gamma"``, ``"tweedie"``; or an object
    of `fastlr.losses` such as ``Quantile(0.9)``, one's own included, with task "real" or
    "positive". Thresholds such as ``Huber.delta`` are in units of y.
early_stopping_regressor:
    Whether to stop, and to choose the best epoch, by the :math:`R^2` on rows held out, or on
    `X_val` of `fit`. A schedule that is stretched over the run, as ``"onecycle"`` is, would be
    cut off while its rate is still high. When nothing improves any more, training therefore
    goes on for as many epochs again at most, while the rate falls as at the schedule's end.
    Other schedules stop at once.
activation:
    Of all hidden layers, or of each: ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"``,
    ``"leaky_relu"``, ``"elu"``, ``"gelu"``, ``"silu"``, ``"softplus"``.
optimizer_mlp:
    Name or object, such as ``SGD(momentum=0.9)``. The parameters of an object can be reached
    as ``optimizer__weight_decay``; it is copied and never changed. Intercepts are never
    decayed. ``"auto"`` looks for the one in `fit` by whole trainings with ``"adamw"``,
    ``"adagrad"`` and ``SGD(momentum=0.9)``, each at a rate of its own, judged on rows held out;
    AdamW stays unless another is better by more than chance, and begins in `partial_fit`.
lr:
    Learning rate; a number replaces the optimizer's. ``slice(1e-5, 1e-3)`` spreads rates
    geometrically over the layers, from the first to the last; ``slice(1e-3)`` is a tenth of
    that for all layers but the last; a single layer has the highest. ``"auto"`` finds
    one in `fit`, by short runs at several rates that are judged on rows held out of them
    (`fastlr.rates.race`), unless an optimizer object was given one:
    ``AdamW(lr=1e-3)`` keeps it, ``AdamW()`` does not. In `partial_fit` and `fit_stream`, which
    do not see all data, it leaves an optimizer object its own, and gives an optimizer named by
    a string five times its default, up to 0.1.
alpha:
    Strength of an L2 penalty on the weights, :math:`\tfrac{\alpha}{2} |W|_2^2` added to
    the mean loss, in units of training. An optimizer named by a string then has no decay
    of its own. `sklearn.neural_network` divides its `alpha` by the size of the mini-batch.
    ``"auto"`` looks for it in `fit`, among strengths half a decade apart, by whole trainings
    judged on rows held out, which takes some six times as long or more.
dropout:
    Rate for all hidden layers, or for each: the probability that a unit is left out of a
    step. Others are scaled up by as much, so that nothing changes in prediction.
init:
    First weights: ``"xavier"`` or ``"he"``, uniform, or said in full (``"he_normal"``).
    ``"auto"`` takes He's before relu, leaky_relu, elu, gelu and silu, and Xavier's before
    others and for the outputs. Intercepts start at zero.
standardize_mlp:
    Whether to train on features shifted and scaled to mean 0 and variance 1, without a copy
    of X; the fitted attributes are for the features as they are. ``"auto"`` looks at a part
    of the rows and does so where scales or offsets of the features would hinder training.
    Sparse features are never shifted, and ``"auto"`` scales them only if they are large.
groups:
    Settings of parameters by name, as `Optimizer.bind` takes them: ``"match"`` is a pattern
    of ``coef_0``, ``intercept_0``, ``coef_1`` and so on, ``"lr"`` a factor on the rate of
    their layer, and ``"weight_decay"``, ``"l1"``, ``"l2"`` and ``"schedule"`` replace the
    optimizer's.
unfreeze:
    Gradual unfreezing: the last layer is trained from the start, and one more, from the back
    to the front, every so many epochs; `frozen_layers` are passed over. A dict says after
    how many epochs a layer is, by number; others are from the start. A layer that waits is
    not decayed either, its state starts fresh, and the schedule goes on meanwhile.
    ``lr="auto"`` looks for a rate with all of them trained.
warm_start_from:
    Fitted model to start from. Layers are copied from the first on while size and
    activation are the same, the last one only if the outputs mean the same; the others
    start as `init` says. Clones share it, and it is never changed.
random_state:
    Where first weights, dropout and the order of the rows come from; an int makes fits
    reproducible to the bit, whatever the number of threads.
lr__mlp:
    Learning rate, which the schedule multiplies: the one given or found, scaled to the batch
    size; of a slice the highest.
"""


def _by_name(texts: str) -> dict[str, str]:
    """Return paragraphs, each of which is indented below its name."""
    found: dict[str, str] = {}
    name = ""
    for line in texts.strip().split("\n"):
        if line.startswith(" "):
            found[name] += line + "\n"
        else:
            name = line.removesuffix(":")
            found[name] = ""
    return {name: dedent(text).rstrip() for name, text in found.items()}


TEXTS = _by_name(_TEXTS)


def shared_texts(cls: Estimator) -> Estimator:
    """Put shared paragraphs into the docstring of a class, each as deep as the mark for it."""
    lines = []
    for line in (cls.__doc__ or "").split("\n"):
        mark = line.strip()
        if mark.startswith("%(") and mark.endswith(")s"):
            line = indent(TEXTS[mark[2:-2]], line[: -len(mark)])
        lines.append(line)
    if cls.__doc__:  # which there is none of with -OO
        cls.__doc__ = "\n".join(lines)
    return cls
