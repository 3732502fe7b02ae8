"""The linear classifier: any loss, penalty, optimizer and schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from ..core.sklearn_versions import StrOptions
from ..losses import LogLoss
from ..losses.base import Loss
from .bases.classifier import GradientClassifier
from .data.probability import gives_probabilities, log_probabilities, probabilities
from .data.targets import ClassTargets
from .models.linear_model import LinearModel
from .settings.losses import loss_of
from .settings.settings import DEFAULT_SCHEDULE
from .shared_texts import shared_texts


@shared_texts
class LinearClassifier(LinearModel, GradientClassifier):
    r"""Linear classifier of any loss, trained in mini-batches.

    With the default loss it is multinomial logistic regression for three classes or more, and
    logistic regression for two: with rows :math:`x_i`, codes :math:`y_i` and weights :math:`w_i`
    it minimises

    .. math::
        L(W, b) = \frac{1}{n} \sum_i w_i \Big(
            \log \sum_k e^{z_{ik}} - z_{i y_i} \Big), \qquad z_i = W x_i + b

    one mini-batch at a time, each epoch in one compiled call that lets other Python threads run.

    Parameters
    ----------
    optimizer : str or Optimizer, default="adamw"
        %(optimizer)s
    loss : str or Loss, default="log_loss"
        ``"log_loss"``, ``"hinge"``, ``"squared_hinge"``, ``"modified_huber"``, ``"perceptron"``,
        or an object of `fastlr.losses`, one's own included, with task "margin".
    penalty : {"l2", "l1", "elasticnet"} or None, default=None
        %(penalty)s
    alpha : float or "auto", default=1e-4
        %(strength)s
    l1_ratio : float, default=0.15
        :math:`\rho`, for ``"elasticnet"``.
    lr : float or "auto", default="auto"
        Learning rate; a number replaces the optimizer's. ``"auto"`` finds one in `fit`, by short
        runs at several rates that are judged on rows held out of them (`fastlr.rates.race`),
        unless an optimizer object was given one: ``AdamW(lr=1e-3)`` keeps it, ``AdamW()`` does
        not. In `partial_fit` and `fit_stream`, which do not see all data, it leaves an optimizer
        object its own and gives an optimizer named by a string ten times its default, up to 0.1
        (0.01 for ``"adamw"``): defaults are made for deep networks, and a linear model bears more.
    schedule : str, Schedule or None, default="onecycle"
        %(schedule)s
    batch_size : int or "auto", default="auto"
        %(batch_size)s
    reference_batch_size : int or None, default=None
        %(reference_batch_size)s
    max_epochs : int or "auto", default=10
        %(max_epochs)s
    tol : float or None, default=None
        %(tol)s
    early_stopping : bool, default=False
        %(early_stopping)s
    validation_fraction : float, default=0.1
        Part of the rows to hold out, with the classes in proportion.
    n_iter_no_change : int, default=5
        Epochs without improvement after which to stop.
    shuffle : bool, default=True
        Whether to visit the rows in another order in each epoch.
    fit_intercept : bool, default=True
        Whether the model has an intercept.
    standardize : bool or "auto", default="auto"
        %(standardize)s
    average : {"ema", "polyak"} or bool, default=None
        Running mean of the weights to predict with, exponential or plain (True).
    multi_class : {"multinomial", "ovr"}, default="multinomial"
        How three classes or more are learned: together, by the softmax of their scores or, with
        other losses than log-loss, by the margin of the right class over the best other one; or
        each against the rest.
    class_weight : dict, "balanced" or None, default=None
        %(class_weight)s
    clip_norm : float or None, default=None
        %(clip_norm)s
    warm_start : bool, default=False
        %(warm_start)s
    random_state : int, RandomState instance or None, default=None
        Where the order of the rows comes from; an int makes fits reproducible to the bit.
    verbose : int, default=0
        Whether to print a line for each epoch.
    n_threads : int, default=1
        %(n_threads)s

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights, one row if there are two classes. `partial_fit` changes it in place, unless
        features were standardised; then it is read-only.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts, zero with ``fit_intercept=False``.
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; for multilabel y the numbers of its columns.
    n_iter_ : int
        Epochs finished, calls of `partial_fit` included.
    n_rejected_ : int
        Chunks of `partial_fit` and `fit_stream` that were taken back whole, for numbers that are
        not finite would have come of them.
    lr_ : float
        %(lr_)s
    optimizer_ : str or Optimizer
        Optimizer, as given or found.
    alpha_ : float
        Strength of the penalty, as given or found; 0 without one.
    n_epochs_ : int
        Length of `fit`, as given or found; `n_iter_` counts the epochs made.
    t_ : int
        Steps of the optimizer.
    loss_curve_ : ndarray of shape (n_rows,)
        Weighted mean loss of each epoch, each row's taken before the step it was used in.
    best_loss_ : float
        Lowest of them.
    validation_scores_, validation_loss_curve_ : ndarray of shape (n_rows,) or None
        Accuracy and weighted mean loss on the validation rows after each epoch.
    best_validation_score_ : float or None
        Highest of the scores.
    history_ : dict of str to ndarray of shape (n_rows,)
        %(history_)s
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : Finds the minimum by second-order methods.
    sklearn.linear_model.SGDClassifier : One row at a time, one class against the rest.

    Notes
    -----
    Sparse X is taken in CSR format; others are converted once, and rows of which more than half is
    stored are made dense. Training costs what its entries cost: a step touches the features of its
    mini-batch, and `fastlr.training.SparseEpoch` says what becomes of the others. In short, the
    state of an optimizer waits until a feature is met again, and what a `penalty` does meanwhile
    is made up for. `partial_fit` converts rows of the kind, sparse or dense, that the model did
    not begin with.

    y of shape (n_samples, n_labels) that holds 0 and 1 makes a multilabel classifier, with one
    output for each label.

    X must be C-contiguous for training: others are copied.

    float32 data make a float32 model with float32 probabilities; everything but float32 is
    computed in float64.

    %(divergence)s

    Examples
    --------
    >>> from fastlr import LinearClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LinearClassifier(random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    >>> model.coef_.shape, model.n_iter_
    ((3, 4), 10)
    >>> svm = LinearClassifier(loss="hinge", penalty="l2", alpha=1e-3, random_state=0).fit(X, y)
    >>> hasattr(svm, "predict_proba")
    False
    """

    _constraints = {"multi_class": [StrOptions({"multinomial", "ovr"})]}

    _depends: tuple[str, ...] = ("multi_class",)
    _auto_lr_factor = 10.0
    _takes_multilabel = True

    multi_class: str

    def __init__(
        self,
        optimizer: Any = "adamw",
        *,
        loss: Any = "log_loss",
        penalty: str | None = None,
        alpha: float | str = 1e-4,
        l1_ratio: float = 0.15,
        lr: float | str = "auto",
        schedule: Any = DEFAULT_SCHEDULE,
        batch_size: int | str = "auto",
        reference_batch_size: int | None = None,
        max_epochs: int | str = 10,
        tol: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        fit_intercept: bool = True,
        standardize: bool | str = "auto",
        average: bool | str | None = None,
        multi_class: str = "multinomial",
        class_weight: Any = None,
        clip_norm: float | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        n_threads: int = 1,
    ) -> None:
        self.optimizer = optimizer
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.lr = lr
        self.schedule = schedule
        self.batch_size = batch_size
        self.reference_batch_size = reference_batch_size
        self.max_epochs = max_epochs
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.average = average
        self.multi_class = multi_class
        self.class_weight = class_weight
        self.clip_norm = clip_norm
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.n_threads = n_threads

    @available_if(gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, for losses that estimate it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`; for multilabel targets of each label by
            itself.
        """
        scores = self._raw_scores(X)
        return probabilities(scores, *self._training_loss(self._known_targets()))

    @available_if(gives_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In nats; of log-loss, finite where the probability itself would be rounded to zero.
        """
        scores = self._raw_scores(X)
        return log_probabilities(scores, *self._training_loss(self._known_targets()))

    def _loss(self) -> Loss:
        return loss_of("LinearClassifier", self.loss, margins=True)

    def _training_loss(self, targets: ClassTargets) -> tuple[Loss, str]:
        loss = self._loss()
        if targets.multilabel:
            return loss, "each"
        if targets.outputs == 1 or self.multi_class == "ovr":
            return loss, "ovr"
        return loss, "softmax" if type(loss) is LogLoss else "multinomial"
