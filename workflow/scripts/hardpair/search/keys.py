"""The keys of the recipe that a search can vary."""

IN_EVERY_TABLE = ("learning_rate", "weight_decay", "momentum", "dropout")  # columns of trials.csv, searched or not
SEARCHABLE = (*IN_EVERY_TABLE, "lr_factor", "warmup_epochs", "clip_gradient")
LOGARITHMIC = ("learning_rate", "weight_decay", "lr_factor", "clip_gradient")  # searched on a logarithmic scale
