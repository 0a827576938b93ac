"""Collected on request only: the tests here need an environment with many packages, made by `make test-wide`."""

import os

collect_ignore_glob = [] if os.environ.get("IPY_ENVMAGIC_TEST_WIDE") else ["test_*.py"]
