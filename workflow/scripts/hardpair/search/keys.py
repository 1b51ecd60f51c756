"""The keys of the recipe that a search can vary."""

ALWAYS = ("learning_rate", "weight_decay", "momentum", "dropout")  # trials.csv has them, searched or not
KEYS = (*ALWAYS, "lr_factor", "warmup_epochs", "clip_gradient")
LOGARITHMIC = ("learning_rate", "weight_decay", "lr_factor", "clip_gradient")  # searched on a logarithmic scale
LIMITS = {"momentum": 0, "dropout": 0, "warmup_epochs": 0, "lr_factor": 1}  # bounds beyond which a key has no values
