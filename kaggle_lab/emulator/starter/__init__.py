"""Content that is there from the start: a few small data sets, two competitions, a model.

All of it is made on this machine by a few lines of Python with fixed seeds; nothing is downloaded.
"""

from .shelf import GENERATORS, restock, stock

__all__ = ["GENERATORS", "restock", "stock"]
