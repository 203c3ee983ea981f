"""The Dockerfile, as far as it can be judged without building it."""

import sys
from pathlib import Path

from deploy.checks.outcome import DEPLOY, Passed, output_of


def check_dockerfile() -> Passed:
    """hadolint finds nothing."""
    output_of([str(Path(sys.executable).parent / "hadolint"), str(DEPLOY / "Dockerfile")])
    return Passed(line="hadolint finds nothing in the Dockerfile (it was not built here)")
