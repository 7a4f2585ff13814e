"""Training what is left: the values of pruned layers, the codewords of quantised ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy, mse_loss

from imgcomp._checks import whole_number
from imgcomp.errors import TrainingDivergedError, UsageError
from imgcomp.models.compress.network import CompressedModel, with_weights
from imgcomp.models.model import Classifier

if TYPE_CHECKING:
    from imgcomp.datasets import Split


def fine_tune(
    compressed: CompressedModel,
    train: Split,
    *,
    epochs: int = 10,
    lr: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> CompressedModel:
    """Train a compressed network further without changing the size of its file.

    Positions of pruned weights and codewords' numbers stay; values, codewords and all weights that
    are not compressed are trained by Adam, whose rate falls to 0 along a cosine. Autoencoders
    minimise the mean squared error, classifiers the cross-entropy. Dropout is off.

    Args:
        compressed: It stays as it is.
        train: The images.
        epochs: How many.
        lr: Adam's rate at the start.
        batch_size: Images in a batch.
        seed: Of the order of the images.

    Raises:
        UsageError: images of another shape than the network's, or none.
        TrainingDivergedError: the loss is no longer finite.
    """
    epochs, batch_size = whole_number("epochs", epochs), whole_number("batch_size", batch_size)
    model = compressed.model
    if tuple(train.images.shape[1:]) != model.input_shape or not len(train):
        raise UsageError(
            f"expected images of shape {model.input_shape}, got {tuple(train.images.shape)}"
        )
    low, high = model.data_range
    module = model.to_torch()
    free = {
        name: compressed.weights[name].free.clone()
        if name in compressed.weights
        else tensor.clone()
        for name, tensor in model.state_dict().items()
    }
    steps = epochs * -(-len(train) // batch_size)
    optimizer = torch.optim.Adam([value.requires_grad_() for value in free.values()], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(seed)
    classifies = isinstance(model, Classifier)

    def built() -> dict[str, torch.Tensor]:
        return {
            name: compressed.weights[name].build(value) if name in compressed.weights else value
            for name, value in free.items()
        }

    for epoch in range(epochs):
        order = torch.randperm(len(train), generator=generator)
        for begin in range(0, len(train), batch_size):
            batch = order[begin : begin + batch_size]
            inputs = train.images[batch].float() * ((high - low) / 255.0) + low
            outputs = torch.func.functional_call(module, built(), (inputs,))
            loss = (
                cross_entropy(outputs, train.labels[batch])
                if classifies
                else mse_loss(outputs, inputs)
            )
            if not bool(loss.isfinite()):
                raise TrainingDivergedError(
                    f"fine-tuning: the loss is no longer finite in epoch {epoch + 1}; "
                    f"lower lr ({lr:g})"
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    values = {name: value.detach() for name, value in free.items()}
    weights = {name: form.with_free(values[name]) for name, form in compressed.weights.items()}
    return with_weights(model, weights, values)
