"""The hyperparameter search: proposals in rounds, a trial of each, and the choice of the best."""
