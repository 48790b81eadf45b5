"""A local emulator of Kaggle's HTTP API.

Start it with ``python -m kaggle_lab.emulator --port P --data DIR``. It speaks to the unmodified official
client, really runs what is pushed to it, and keeps everything in ``DIR``. It shares no code with the
extension: the two meet on HTTP.
"""
