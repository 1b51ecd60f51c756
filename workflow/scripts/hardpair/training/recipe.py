"""What decides a run apart from its images, split and seed: the recipe, and with it the loss, the sampler and how they are computed."""

from dataclasses import asdict, dataclass, field

from hardpair.config.consistency import wrong_recipe
from hardpair.config.resolve import merged_recipe, resolve_part
from hardpair.config.schema import CNN
from hardpair.errors import UserError

COMPUTING = ("precision", "deterministic")  # keys of ``train`` in config on which results depend


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the keys are those of ``recipe`` in config/schema.yaml, and those it calls implied have a default here."""

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    lr_drops: tuple[float, ...]
    lr_factor: float
    dropout: float
    refresh_every: int
    optimizer: str = "sgd"
    nesterov: bool = False
    schedule: str = "steps"
    warmup_epochs: float = 0
    clip_gradient: float | None = None
    crop: bool = True
    flip: bool = True

    @classmethod
    def checked(cls, keys: dict) -> "Recipe":
        """The recipe of these keys, with the schema's defaults for those that are left out.

        Raises:
            UserError: a key or value is wrong.
        """
        return cls.of(resolve_part("recipe", keys))

    @classmethod
    def of(cls, keys: dict) -> "Recipe":
        """The recipe of these keys, complete and checked before."""
        return cls(**keys | {"lr_drops": tuple(keys["lr_drops"])})

    def keys(self) -> dict:
        """The recipe as a map of keys and values, as files hold it."""
        return merged_recipe(asdict(self) | {"lr_drops": list(self.lr_drops)}, {})


@dataclass(frozen=True)
class RunSettings:
    """What is trained, and how.

    Attributes:
        loss, sampler, network: ``kind`` and its options, complete.
        precision: ``auto``, ``fp32`` or ``bf16`` for the network.
        deterministic: whether a GPU must give the same bits each time.
    """

    loss: dict
    sampler: dict
    recipe: Recipe
    precision: str = "fp32"
    deterministic: bool = False
    network: dict = field(default_factory=CNN.copy)

    @classmethod
    def checked(cls, keys: dict, recipe: Recipe) -> "RunSettings":
        """The settings of the keys that ``keys`` returns, with the schema's defaults; a key ``recipe`` replaces keys of the recipe.

        Raises:
            UserError: a key or value is wrong.
        """
        variant = resolve_part("variant", {"name": "run"} | {key: value for key, value in keys.items() if key not in COMPUTING})
        train = resolve_part("train", {key: value for key, value in keys.items() if key in COMPUTING})
        recipe = Recipe.of(recipe.keys() | variant.get("recipe", {}))
        for problem in wrong_recipe(recipe.keys(), "recipe"):
            raise UserError(problem)
        computing = {key: train[key] for key in COMPUTING}
        return cls(variant["loss"], variant["sampler"], recipe, **computing, network=variant.get("network", CNN))

    def keys(self) -> dict:
        """The settings without the recipe as a map of keys and values, as files hold it; the network is in it unless it is cnn."""
        keys = {"loss": self.loss, "sampler": self.sampler, "precision": self.precision, "deterministic": self.deterministic}
        return keys | ({} if self.network == CNN else {"network": self.network})
