"""Configuration of the JupyterLab that the browser tests open: galata's, on a port and folder of our own.

It switches Jupyter's token off, so it is for loopback and tests only. The rest comes from the environment:
KAGGLE_LAB_UI_PORT, KAGGLE_LAB_UI_WORKSPACES and JUPYTERLAB_GALATA_ROOT_DIR.
"""

import os

from jupyterlab.galata import configure_jupyter_server

c = get_config()  # noqa: F821  # type: ignore[name-defined]
configure_jupyter_server(c)
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = int(os.environ["KAGGLE_LAB_UI_PORT"])
c.ServerApp.allow_root = True
c.FileContentsManager.delete_to_trash = False
c.LabApp.workspaces_dir = os.environ["KAGGLE_LAB_UI_WORKSPACES"]
