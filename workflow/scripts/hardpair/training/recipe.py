"""Settings of a training job as types."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What every variant of a study shares; the keys are those of ``recipe`` in config/schema.yaml."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    lr_drops: tuple[float, ...]
    lr_factor: float
    dropout: float
    refresh_every: int

    def learning_rate_at(self, completed: int) -> float:
        """Learning rate of the epoch that follows ``completed`` ones: it drops after each share of the run, rounded to whole epochs."""
        drops = sum(completed >= int(share * self.epochs + 0.5) for share in self.lr_drops)
        return self.learning_rate * self.lr_factor**drops
