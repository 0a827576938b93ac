"""%pip, %conda, %uv and %envcheck that act on the Python your notebook is running."""

__version__ = "0.1.0"
