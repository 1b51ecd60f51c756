"""Whether a plugin gives the same results again: built anew, and with the buffers of a used one alone, as in a resumed run."""

import contextlib
from collections.abc import Callable

import torch
from torch import nn

from hardpair.errors import UserError
from hardpair.training.hidden_state import difference
from hardpair.training.random_streams import seed_globals

AFFECTS_RESULTS = False
Results = list[torch.Tensor | None]


def check(
    name: Callable[[nn.Module], str],
    build: Callable[[], nn.Module],
    use: Callable[[nn.Module, int], Results],
    random_numbers: str,
    state: str,
    resume: Callable[[nn.Module], None] = lambda part: None,
) -> None:
    """Use two equal modules, and one that has the state of the first alone.

    Args:
        name: describes the module in a message.
        build: makes the module.
        use: what the module returns in its first (0) and second (1) use.
        random_numbers: where the plugin must draw them from, for a message.
        state: what a checkpoint keeps of it, for a message.
        resume: what a resumed run does with a new module before it gives it that state.

    Raises:
        UserError: the results differ, or would after more steps than these, or the module seeds torch.
    """
    parts, results = [], []
    for _ in range(2):
        seed_globals(0, "plugins")
        parts.append(build())
        built = torch.get_rng_state()
        results.append(use(parts[-1], 0))
    used = torch.get_rng_state()
    if not _same(*results):
        raise UserError(f"{name(parts[0])} gives different results for the same input: draw random numbers from {random_numbers}")
    seed_globals(1, "plugins")
    first, resumed, results = parts[0], build(), []
    seeded = torch.equal(built, torch.get_rng_state())
    resume(resumed)
    with contextlib.suppress(RuntimeError):  # state that the constructor does not register
        resumed.load_state_dict(first.state_dict())
        for part in (first, resumed):
            seed_globals(1, "plugins")
            results.append(use(part, 1))
    if seeded or torch.equal(used, torch.get_rng_state()):
        raise UserError(
            f"{name(first)} seeds the random numbers of torch, which belong to the run's seed: remove that; its constructor may use a "
            "torch.Generator of its own"
        )
    hidden = difference(first, resumed)
    if hidden or len(results) < 2 or not _same(*results):
        where = f" ({hidden})" if hidden else ""
        raise UserError(
            f"{name(first)} keeps state outside its {state}{where}, which a resumed run would lose: let the constructor register it with "
            "register_buffer, and change it in place"
        )


def _same(first: Results, second: Results) -> bool:
    return all(a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in zip(first, second, strict=True))
