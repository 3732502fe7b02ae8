"""The multi-layer perceptron as a regressor."""

from __future__ import annotations

from typing import Any

from ..losses import get_loss
from ..losses.base import Loss
from .bases.regressor import GradientRegressor
from .data.targets import RealTargets
from .models.mlp_model import MLPModel
from .settings.settings import DEFAULT_SCHEDULE


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
        Of all hidden layers, or of each: ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"``,
        ``"leaky_relu"``, ``"elu"``, ``"gelu"``, ``"silu"``, ``"softplus"``.
    optimizer : str or Optimizer, default="adamw"
        Name or object, such as ``SGD(momentum=0.9)``. The parameters of an object can be reached
        as ``optimizer__weight_decay``; it is copied and never changed. Intercepts are never
        decayed.
    loss : str or Loss, default="squared_error"
        ``"squared_error"``, ``"huber"``, ``"epsilon_insensitive"``,
        ``"squared_epsilon_insensitive"``, ``"quantile"``, ``"log_cosh"``; with a logarithmic link,
        so that predictions are positive, ``"poisson"``, ``"gamma"``, ``"tweedie"``; or an object
        of `fastlr.losses` such as ``Quantile(0.9)``, one's own included, with task "real" or
        "positive". Thresholds such as ``Huber.delta`` are in units of y.
    lr : float, slice or "auto", default="auto"
        Learning rate; a number replaces the optimizer's. ``slice(1e-5, 1e-3)`` spreads rates
        geometrically over the layers, from the first to the last; ``slice(1e-3)`` is a tenth of
        that for all layers but the last; a single layer has the highest. ``"auto"`` finds
        one in `fit`, by short runs at several rates that are judged on rows held out of them
        (`fastlr.rates.race`), unless an optimizer object was given one:
        ``AdamW(lr=1e-3)`` keeps it, ``AdamW()`` does not. In `partial_fit` and `fit_stream`, which
        do not see all data, it leaves an optimizer object its own, and gives an optimizer named by
        a string five times its default, up to 0.1.
    schedule : str, Schedule or None, default="onecycle"
        How the rate changes over the run. An optimizer object with a schedule of its own keeps
        that; naming another one here as well is an error.
    batch_size : int or "auto", default="auto"
        Rows in a mini-batch. ``"auto"`` makes some 128 steps of an epoch, of 128 rows at most:
        ``min(max(n_samples // 128, 1), 128)``. In `fit`, data of up to 256 rows are put whole
        into each of 128 steps, which are then called an epoch.
    reference_batch_size : int or None, default=None
        Batch size that the rate given is for. It is scaled to the one in use as `scale_lr` does:
        in proportion for SGD, QHM, ASGD and ScheduleFreeSGD, and beyond 1,000 rows by the square
        root, which other optimizers take throughout; those that find their own rate keep it.
        None takes the rate as it is, and ``lr="auto"`` finds the one for the batch size in use,
        so that it is refused here. A batch is never larger than the data; in `partial_fit` and
        `fit_stream` that of the first chunk counts.
    max_epochs : int, default=20
        Epochs of `fit`, at most.
    alpha : float, default=0.0
        Strength of an L2 penalty on the weights, :math:`\tfrac{\alpha}{2} |W|_2^2` added to
        the mean loss, in units of training. An optimizer named by a string then has no decay
        of its own. `sklearn.neural_network` divides its `alpha` by the size of the mini-batch.
    dropout : float or sequence of float, default=0.0
        Rate for all hidden layers, or for each: the probability that a unit is left out of a
        step. Others are scaled up by as much, so that nothing changes in prediction.
    input_dropout : float, default=0.0
        The same for features.
    init : str, default="auto"
        First weights: ``"xavier"`` or ``"he"``, uniform, or said in full (``"he_normal"``).
        ``"auto"`` takes He's before relu, leaky_relu, elu, gelu and silu, and Xavier's before
        others and for the outputs. Intercepts start at zero.
    standardize : bool or "auto", default="auto"
        Whether to train on features shifted and scaled to mean 0 and variance 1, without a copy
        of X; the fitted attributes are for the features as they are. ``"auto"`` looks at a part
        of the rows and does so where scales or offsets of the features would hinder training.
        Sparse features are never shifted, and ``"auto"`` scales them only if they are large.
    layer_lr_decay : float, default=1.0
        What the rate is multiplied by from each layer to the one before it, in (0, 1].
    groups : list of dict, default=None
        Settings of parameters by name, as `Optimizer.bind` takes them: ``"match"`` is a pattern
        of ``coef_0``, ``intercept_0``, ``coef_1`` and so on, ``"lr"`` a factor on the rate of
        their layer, and ``"weight_decay"``, ``"l1"``, ``"l2"`` and ``"schedule"`` replace the
        optimizer's.
    frozen_layers : sequence of int, default=()
        Layers that are not trained, from 0; negative numbers count from the last.
    unfreeze : int, dict of int to int, or None, default=None
        Gradual unfreezing: the last layer is trained from the start, and one more, from the back
        to the front, every so many epochs; `frozen_layers` are passed over. A dict says after
        how many epochs a layer is, by number; others are from the start. A layer that waits is
        not decayed either, its state starts fresh, and the schedule goes on meanwhile.
        ``lr="auto"`` looks for a rate with all of them trained.
    warm_start_from : MLPClassifier or MLPRegressor, default=None
        Fitted model to start from. Layers are copied from the first on while size and
        activation are the same, the last one only if the outputs mean the same; the others
        start as `init` says. Clones share it, and it is never changed.
    transferred_lr_factor : float, default=1.0
        What the rate of copied layers is multiplied by.
    tol : float or None, default=None
        Least improvement that counts when deciding whether to stop: of the training loss, and
        with `early_stopping` of the validation score. None trains for all epochs, and with
        `early_stopping` lets any improvement count. Where it may stop, the weights of the best
        epoch are handed out.
    early_stopping : bool, default=False
        Whether to stop, and to choose the best epoch, by the :math:`R^2` on rows held out, or on
        `X_val` of `fit`. A schedule that is stretched over the run, as ``"onecycle"`` is, is laid
        out for all of `max_epochs`: stopping early cuts it off while its rate is still high. A
        plateau schedule, which then watches the validation loss, or none goes better with it.
    validation_fraction : float, default=0.1
        Part of the rows to hold out.
    n_iter_no_change : int, default=5
        Epochs without improvement after which to stop.
    shuffle : bool, default=True
        Whether to visit the rows in another order in each epoch.
    clip_norm : float or None, default=None
        Largest norm of a gradient; longer ones are scaled down to it. None leaves it to the
        optimizer.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last one. A schedule that says its own
        length, or none, goes on where it was, with optimizer state and history; one that is
        stretched over the run, as ``"onecycle"`` is, starts again with fresh state.
    random_state : int, RandomState instance or None, default=None
        Where first weights, dropout and the order of the rows come from; an int makes fits
        reproducible to the bit, whatever the number of threads.
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
        Number of layers, that of the inputs included.
    n_outputs_ : int
        Number of targets.
    out_activation_ : str
        ``"identity"``, or ``"exp"`` under a logarithmic link.
    loss_ : float
        Mean training loss of the last epoch.
    n_iter_ : int
        Epochs finished, calls of `partial_fit` included.
    lr_ : float
        Learning rate, which the schedule multiplies: the one given or found, scaled to the batch
        size; of a slice the highest.
    layer_lrs_ : ndarray with an entry for each layer of weights
        That of each layer, `groups` apart; 0 of those never trained.
    t_ : int
        Steps of the optimizer.
    loss_curve_ : ndarray of shape (n_iter_,)
        Weighted mean loss of each epoch, each row's taken before the step it was used in.
    best_loss_ : float
        Lowest of them.
    validation_scores_, validation_loss_curve_ : ndarray of shape (n_iter_,) or None
        R2 and weighted mean loss on the validation rows after each epoch.
    best_validation_score_ : float or None
        Highest of the scores.
    history_ : dict of str to ndarray of shape (n_iter_,)
        Table of the epochs: ``epoch``, ``loss``, ``validation_loss``, ``validation_score``, then
        ``lr``, ``momentum`` and ``gradient_norm`` of the last step, ``seconds``, and what
        `diagnose` reads; NaN where there is none.
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
    products with what is not stored.

    float32 data make a float32 model with float32 predictions; everything but float32 is
    computed in float64. Predictions for a row are to the bit the same whatever other rows they
    are computed with.

    Training that leaves the finite numbers stops with a `DivergenceWarning` that names rate and
    step, and the weights of the last finished epoch are kept.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import MLPRegressor
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> model = MLPRegressor((32, 32), "tanh", random_state=0).fit(X, np.sin(X[:, 0]))
    >>> model.score(X, np.sin(X[:, 0])) > 0.99
    True
    """

    _parameter_constraints = {
        **GradientRegressor._parameter_constraints,
        **MLPModel._model_constraints,
        "loss": [str, Loss],
    }

    loss: Any

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
        max_epochs: int = 20,
        alpha: float = 0.0,
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
        loss = get_loss(self.loss)
        if loss.task == "margin":
            raise ValueError(
                "MLPRegressor: loss must be one of numbers, such as 'squared_error' or 'huber', "
                f"got {self.loss!r}"
            )
        return loss

    def _settings(self) -> tuple[Any, ...]:
        return (*super()._settings(), self.loss)

    def _set_targets(self, targets: RealTargets) -> None:
        super()._set_targets(targets)
        self.out_activation_ = "exp" if targets.log else "identity"
