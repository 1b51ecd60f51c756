"""The learning rate of each epoch."""

from hardpair.training.recipe import Recipe


def learning_rate(recipe: Recipe, completed: int) -> float:
    """Learning rate of the epoch that follows ``completed`` ones: it drops after each share of the run, rounded to whole epochs."""
    drops = sum(completed >= int(share * recipe.epochs + 0.5) for share in recipe.lr_drops)
    return recipe.learning_rate * recipe.lr_factor**drops
