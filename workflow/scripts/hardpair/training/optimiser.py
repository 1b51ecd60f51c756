"""How a gradient moves the weights: SGD or AdamW, by torch's fused kernels, and the clipping of the gradient before."""

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from hardpair.errors import UserError
from hardpair.training.recipe import Recipe

BETA2, EPSILON = 0.999, 1e-8  # of AdamW, as in torch


class Optimiser:
    """Moves the trained parameters of a network by their gradients.

    The classes in torch load torch's compiler (two seconds of a job's start) only to switch it off; the functions that they call do not.

    Args:
        clip: largest norm of the gradient of all parameters together; a longer one is shortened to it. None leaves gradients as they are.
    """

    def __init__(self, network: nn.Module, learning_rate: float, clip: float | None = None) -> None:
        trained = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
        self.names, self.parameters = list(trained), list(trained.values())
        self.clip = clip
        # A captured step reads the rate where it lies; on the CPU a float keeps its digits.
        self._on_device = torch.zeros((), device=device) if (device := self.parameters[0].device).type == "cuda" else None
        self._learning_rate = None
        self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> float:
        """Of the next step; may be set between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if value != self._learning_rate and self._on_device is not None:
            self._on_device.fill_(value)
        self._learning_rate = value

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters by their gradients, and forget these.

        Raises:
            UserError: a parameter has none.
        """
        gradients = [parameter.grad for parameter in self.parameters]
        if missing := [name for name, gradient in zip(self.names, gradients, strict=True) if gradient is None]:
            raise UserError(
                f"the network did not use its parameter {missing[0]} in a step: use it in every forward(), multiplied by 0 where it is "
                "to be skipped, or do not require its gradient"
            )
        if self.clip is not None:
            clip_grad_norm_(self.parameters, self.clip)
        self.move(gradients, self._learning_rate if self._on_device is None else self._on_device)
        self.forget()

    def forget(self) -> None:
        """Clear the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def move(self, gradients: list[torch.Tensor], learning_rate: float | torch.Tensor) -> None:
        """Move the parameters by these gradients."""
        raise NotImplementedError

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors that steps change in place, apart from the parameters."""
        raise NotImplementedError

    def _zeros(self) -> list[torch.Tensor]:
        return [torch.zeros_like(parameter) for parameter in self.parameters]


class SGD(Optimiser):
    """Stochastic gradient descent with momentum, Nesterov's where asked for, and weight decay: ``torch.optim.SGD``."""

    def __init__(self, network: nn.Module, learning_rate: float, momentum: float, weight_decay: float, nesterov=False, clip=None) -> None:
        super().__init__(network, learning_rate, clip)
        self.buffers = self._zeros()  # the first step then adds to nothing
        self.momentum, self.weight_decay, self.nesterov = momentum, weight_decay, nesterov

    def move(self, gradients: list[torch.Tensor], learning_rate: float | torch.Tensor) -> None:
        """Move the parameters by these gradients."""
        sgd(
            self.parameters,
            gradients,
            self.buffers,
            lr=learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            dampening=0.0,
            nesterov=self.nesterov,
            maximize=False,
            fused=True,
        )

    def state(self) -> dict[str, torch.Tensor]:
        """The momentum of each parameter."""
        return {f"momentum.{index}": buffer for index, buffer in enumerate(self.buffers)}


class AdamW(Optimiser):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2): ``torch.optim.AdamW``.

    Args:
        beta1: of the mean gradient, which is to AdamW what momentum is to SGD.
    """

    def __init__(self, network: nn.Module, learning_rate: float, beta1: float, weight_decay: float, clip: float | None = None) -> None:
        super().__init__(network, learning_rate, clip)
        self.means, self.squares = self._zeros(), self._zeros()
        self.counts = [torch.zeros((), device=parameter.device) for parameter in self.parameters]  # on the device, as a capture needs
        self.beta1, self.weight_decay = beta1, weight_decay

    def move(self, gradients: list[torch.Tensor], learning_rate: float | torch.Tensor) -> None:
        """Move the parameters by these gradients."""
        adamw(
            self.parameters,
            gradients,
            self.means,
            self.squares,
            [],
            self.counts,
            lr=learning_rate,
            beta1=self.beta1,
            beta2=BETA2,
            eps=EPSILON,
            weight_decay=self.weight_decay,
            amsgrad=False,
            maximize=False,
            capturable=self.counts[0].device.type == "cuda",
            fused=True,
        )

    def state(self) -> dict[str, torch.Tensor]:
        """Mean gradient, mean square and number of steps of each parameter."""
        parts = {"mean": self.means, "square": self.squares, "count": self.counts}
        return {f"{name}.{index}": tensor for name, tensors in parts.items() for index, tensor in enumerate(tensors)}


def build(recipe: Recipe, network: nn.Module) -> Optimiser:
    """The optimiser of a recipe, at the recipe's learning rate."""
    rate, clip = recipe.learning_rate, recipe.clip_gradient
    if recipe.optimizer == "adamw":
        return AdamW(network, rate, recipe.momentum, recipe.weight_decay, clip)
    return SGD(network, rate, recipe.momentum, recipe.weight_decay, recipe.nesterov, clip)
