"""Collected on request only: the tests here need a JupyterHub, installed by `make test-hub`."""

import os

collect_ignore_glob = [] if os.environ.get("IPY_ENVMAGIC_TEST_HUB") else ["test_*.py"]
