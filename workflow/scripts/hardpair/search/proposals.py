"""The recipes of the next round, proposed from finished trials.

Every round rebuilds its Optuna study from the results on disk, so that it depends on them alone: not on the order in which trials ended,
nor on how many ran at once.
"""

import hashlib

from hardpair.errors import UserError
from hardpair.search.keys import LOGARITHMIC

PATIENCE = 200  # draws that give nothing new before a space counts as used up


def propose(finished: list[dict], round_: int, batch: int, space: dict, recipe: dict, study: str) -> list[dict]:
    """The next ``batch`` recipes, none equal to another or to a finished one; the very first is ``recipe`` itself.

    A TPE sampler (Bergstra et al. 2011), seeded by study and round, sees the finished trials and takes those of its own round that have
    no result yet for bad ones (constant liar), so that a round spreads out.

    Args:
        finished: results of all earlier rounds, each with ``recipe`` and ``value``, in order of trial number.
        space: lowest and highest value of each key that is searched.
        recipe: complete apart from ``epochs``; gives the keys that are not searched.

    Raises:
        UserError: the recipe or a finished trial lies outside the space, or the space has nothing new to offer.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _check_inside("the recipe", recipe, space)
    distributions = {key: optuna.distributions.FloatDistribution(low, high, log=key in LOGARITHMIC) for key, (low, high) in space.items()}
    seed = int.from_bytes(hashlib.sha256(f"{study}/{round_}".encode()).digest()[:4], "big")
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=batch, constant_liar=True)
    session = optuna.create_study(direction="maximize", sampler=sampler)
    for trial in finished:
        _check_inside(f"trial {trial['trial']}", trial["recipe"], space)
        session.add_trial(
            optuna.trial.create_trial(params=_searched(trial["recipe"], space), distributions=distributions, value=trial["value"])
        )
    proposals = [recipe] if round_ == 0 else []  # in its own digits; round 0 draws at random, so the sampler need not know of it
    seen = [_searched(tried, space) for tried in [*(trial["recipe"] for trial in finished), *proposals]]
    rejected = 0
    while len(proposals) < batch:
        trial = session.ask(distributions)
        drawn = {key: _rounded(value, *space[key]) for key, value in trial.params.items()}
        if drawn not in seen:
            seen.append(drawn)
            proposals.append(recipe | drawn)
            continue
        session.tell(trial, state=optuna.trial.TrialState.FAIL)  # nobody runs it: it must not count as a bad trial where a good one was
        rejected += 1
        if rejected == PATIENCE:
            raise UserError(
                f"search.space is too narrow for {len(seen) + batch - len(proposals)} recipes that differ in five digits: "
                "widen it, or lower search.rounds or search.batch"
            )
    return proposals


def _searched(recipe: dict, space: dict) -> dict:
    """The part of a recipe that is searched."""
    return {key: recipe[key] for key in space}


def _check_inside(name: str, recipe: dict, space: dict) -> None:
    for key, (low, high) in space.items():
        if not low <= recipe[key] <= high:
            raise UserError(
                f"search.space.{key} is [{low}, {high}], but {name} has {recipe[key]}: widen the space, or delete trials of another search"
            )


def _rounded(value: float, low: float, high: float) -> float:
    """Five digits are enough to read and to repeat; rounding must not leave the space."""
    return min(max(float(f"{value:.5g}"), low), high)
