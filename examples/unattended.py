"""Run unattended.ipynb from a program: python examples/unattended.py

A cell that fails (an install, a check, the code itself) ends the run with status 1 and the cell's own short error.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

path = Path(__file__).with_name("unattended.ipynb")
notebook = nbformat.read(path, as_version=4)
try:
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
except CellExecutionError as error:
    sys.exit(f"{path.name}: {error.ename}: {error.evalue}")
for cell in notebook.cells:
    for output in cell.get("outputs", ()):
        print(output.get("text", ""), end="")
