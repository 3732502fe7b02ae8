"""The multi-layer perceptron as a regressor."""

from __future__ import annotations

from typing import Any

from ..losses.base import Loss
from .bases.regressor import GradientRegressor
from .models.mlp_model import MLPModel
from .settings.losses import loss_of
from .settings.settings import DEFAULT_SCHEDULE
from .shared_texts import shared_texts


@shared_texts
class MLPRegressor(MLPModel, GradientRegressor):
    r"""Multi-layer perceptron of any loss, trained in mini-batches.

    A row :math:`x` goes through layers :math:`a_l = f_l(a_{l-1} W_l + b_l)`, from
    :math:`a_0 = x` on; the last has no activation, and gives one number for each target. Training
    minimises the mean over the rows of the loss, summed over the targets, each epoch in one
    compiled call that lets other Python threads run. It is on targets of a sensible scale; what
    is handed out is in the units of the data.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; none makes a linear model.
    activation : str or sequence of str, default="relu"
        %(activation)s
    optimizer : str or Optimizer, default="adamw"
        %(optimizer_mlp)s
    loss : str or Loss, default="squared_error"
        %(loss)s
    lr : float, slice or "auto", default="auto"
        %(lr)s
    schedule : str, Schedule or None, default="onecycle"
        %(schedule)s
    batch_size : int or "auto", default="auto"
        %(batch_size)s
    reference_batch_size : int or None, default=None
        %(reference_batch_size)s
    max_epochs : int or "auto", default=20
        %(max_epochs)s
    alpha : float or "auto", default=0.0
        %(alpha)s
    dropout : float or sequence of float, default=0.0
        %(dropout)s
    input_dropout : float, default=0.0
        The same for features.
    init : str, default="auto"
        %(init)s
    standardize : bool or "auto", default="auto"
        %(standardize_mlp)s
    layer_lr_decay : float, default=1.0
        What the rate is multiplied by from each layer to the one before it, in (0, 1].
    groups : list of dict, default=None
        %(groups)s
    frozen_layers : sequence of int, default=()
        Layers that are not trained, from 0; negative numbers count from the last.
    unfreeze : int, dict of int to int, or None, default=None
        %(unfreeze)s
    warm_start_from : MLPClassifier or MLPRegressor, default=None
        %(warm_start_from)s
    transferred_lr_factor : float, default=1.0
        What the rate of copied layers is multiplied by.
    tol : float or None, default=None
        %(tol)s
    early_stopping : bool, default=False
        %(early_stopping_regressor)s
    validation_fraction : float, default=0.1
        Part of the rows to hold out.
    n_iter_no_change : int, default=5
        Epochs without improvement after which to stop.
    shuffle : bool, default=True
        Whether to visit the rows in another order in each epoch.
    clip_norm : float or None, default=None
        %(clip_norm)s
    warm_start : bool, default=False
        %(warm_start)s
    random_state : int, RandomState instance or None, default=None
        %(random_state)s
    verbose : int, default=0
        Whether to print a line for each epoch.
    n_threads : int, default=1
        Threads that share a mini-batch, where it is large enough to pay.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. Read-only where training was on scaled features or targets.
    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of each layer.
    n_layers_ : int
        Number of layers, including the inputs.
    n_outputs_ : int
        Number of targets.
    out_activation_ : str
        ``"identity"``, or ``"exp"`` under a logarithmic link.
    loss_ : float
        Mean training loss of the last epoch.
    n_iter_ : int
        Epochs finished, calls of `partial_fit` included.
    n_rejected_ : int
        Chunks of `partial_fit` and `fit_stream` that were taken back whole, for numbers that are
        not finite would have come of them.
    lr_ : float
        %(lr__mlp)s
    layer_lrs_ : ndarray with an entry for each layer of weights
        That of each layer, `groups` apart; 0 of those never trained.
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
        R2 and weighted mean loss on the validation rows after each epoch.
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
    MLPClassifier : The same for labels.
    sklearn.neural_network.MLPRegressor : Has fewer losses, activations and optimizers, no dropout.

    Notes
    -----
    X may be sparse: of a CSR matrix (others are converted once) the first layer leaves out the
    products with entries that are not stored.

    float32 data make a float32 model with float32 predictions; everything but float32 is
    computed in float64. Predictions for a row are to the bit the same whatever other rows they
    are computed with.

    %(divergence)s

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import MLPRegressor
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> model = MLPRegressor((32, 32), "tanh", random_state=0).fit(X, np.sin(X[:, 0]))
    >>> model.score(X, np.sin(X[:, 0])) > 0.99
    True
    """

    _constraints = {"loss": [str, Loss]}

    loss: Any

    _depends: tuple[str, ...] = ("loss",)

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        optimizer: Any = "adamw",
        loss: Any = "squared_error",
        lr: float | slice | str = "auto",
        schedule: Any = DEFAULT_SCHEDULE,
        batch_size: int | str = "auto",
        reference_batch_size: int | None = None,
        max_epochs: int | str = 20,
        alpha: float | str = 0.0,
        dropout: Any = 0.0,
        input_dropout: float = 0.0,
        init: str = "auto",
        standardize: bool | str = "auto",
        layer_lr_decay: float = 1.0,
        groups: Any = None,
        frozen_layers: Any = (),
        unfreeze: Any = None,
        warm_start_from: Any = None,
        transferred_lr_factor: float = 1.0,
        tol: float | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        shuffle: bool = True,
        clip_norm: float | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        n_threads: int = 1,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.loss = loss
        self.lr = lr
        self.schedule = schedule
        self.batch_size = batch_size
        self.reference_batch_size = reference_batch_size
        self.max_epochs = max_epochs
        self.alpha = alpha
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.init = init
        self.standardize = standardize
        self.layer_lr_decay = layer_lr_decay
        self.groups = groups
        self.frozen_layers = frozen_layers
        self.unfreeze = unfreeze
        self.warm_start_from = warm_start_from
        self.transferred_lr_factor = transferred_lr_factor
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.clip_norm = clip_norm
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.n_threads = n_threads

    def _loss(self) -> Loss:
        return loss_of("MLPRegressor", self.loss, margins=False)

    @property
    def out_activation_(self) -> str:
        """What makes predictions of raw scores: "exp" under a logarithmic link, or "identity"."""
        return "exp" if self._known_targets().log else "identity"
