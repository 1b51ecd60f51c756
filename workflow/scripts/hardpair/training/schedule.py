"""The learning rate of each step."""

import math

from hardpair.training.recipe import Recipe


def learning_rate(recipe: Recipe, completed: int, step: int, steps: int) -> float:
    """Learning rate of a step, from 0, of the epoch of so many ``steps`` that follows ``completed`` ones.

    In the warm-up it rises evenly from step to step (Goyal et al. 2017, arXiv:1706.02677, section 2.2) up to where the schedule begins.
    Then it drops after each share of the run, rounded to complete epochs, or follows half a cosine from step to step, down to 0 after the
    last (Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts).
    """
    done = completed + step / steps
    if done < recipe.warmup_epochs:
        return recipe.learning_rate * min((done + 1 / steps) / recipe.warmup_epochs, 1)
    if recipe.schedule == "cosine":
        share = (done - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
        return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2
    drops = sum(completed >= int(share * recipe.epochs + 0.5) for share in recipe.lr_drops)
    return recipe.learning_rate * recipe.lr_factor**drops
