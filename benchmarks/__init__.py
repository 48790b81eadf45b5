"""Measured budgets: what Kaggle Lab costs, next to its peer, in one run on one machine."""
