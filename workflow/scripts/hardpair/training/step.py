"""One step of training."""

import torch
from torch import nn
from torch.optim.sgd import sgd

from hardpair.device import autocast


class SGD:
    """Stochastic gradient descent with momentum and weight decay, as ``torch.optim.SGD``, whose fused kernel it calls.

    The class in torch loads torch's compiler (two seconds of a job's start) only to switch it off.
    """

    def __init__(self, network: nn.Module, learning_rate: float, momentum: float, weight_decay: float) -> None:
        self.parameters = list(network.parameters())
        self.buffers = [torch.zeros_like(parameter) for parameter in self.parameters]  # the first step then adds to nothing
        self.momentum, self.weight_decay = momentum, weight_decay
        # A captured step reads the rate where it lies; on the CPU a float keeps its digits.
        self._on_device = torch.zeros((), device=device) if (device := self.parameters[0].device).type == "cuda" else None
        self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> float:
        """Of the next step; may be set between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = value
        if self._on_device is not None:
            self._on_device.fill_(value)

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters by their gradients, and forget these."""
        sgd(
            self.parameters,
            [parameter.grad for parameter in self.parameters],
            self.buffers,
            lr=self._learning_rate if self._on_device is None else self._on_device,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            fused=True,
        )
        for parameter in self.parameters:
            parameter.grad = None


def train_step(
    network: nn.Module,
    loss: nn.Module,
    optimiser: SGD,
    images: torch.Tensor,
    labels: torch.Tensor,
    factors: torch.Tensor | None,
    precision: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Move the network's weights one step down the mean loss of a batch.

    Args:
        images: float32 (B, 3, S, S), augmented and normalised.
        labels: int64 (B,).
        factors: what to multiply the loss of each image by before the mean, float32 (B,); None for 1.
        precision: ``fp32`` or ``bf16`` for the network; the loss is always computed in float32.

    Returns:
        The mean loss before the step, float32 (), and the number of images classified correctly, int64 (); both stay on the device.
    """
    with autocast(images.device, precision):
        logits = network(images)
    logits = logits.float()
    each = loss(logits, labels)
    mean = (each if factors is None else factors * each).mean()
    mean.backward()
    optimiser.step()
    return mean.detach(), (logits.detach().argmax(1) == labels).sum()
