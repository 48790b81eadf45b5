"""The only door to Kaggle. Importing it is cheap: Kaggle's library is loaded in a thread, on first use."""

from ..errors import LinkExpired, PushUncertain
from .client import KaggleClient
from .downloads import DownloadStream
from .logs import LogEnd

__all__ = ["DownloadStream", "KaggleClient", "LinkExpired", "LogEnd", "PushUncertain"]
