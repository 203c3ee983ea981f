"""The Dockerfile, as far as it can be judged without building it."""

import sys
from pathlib import Path

from deploy.checks.outcome import DEPLOY, CheckFailed, Passed, output_of


def check_dockerfile() -> Passed:
    """hadolint finds nothing, and `alive` has a heartbeat to look at: worker and beat have no port to ask."""
    dockerfile = DEPLOY / "Dockerfile"
    output_of([str(Path(sys.executable).parent / "hadolint"), str(dockerfile)])
    image = dockerfile.read_text().rpartition("\nFROM ")[-1]
    if "HEARTBEAT_DIRECTORY=" not in image:
        raise CheckFailed("the image sets no HEARTBEAT_DIRECTORY: worker and beat would be killed as dead")
    return Passed(line="hadolint finds nothing in the Dockerfile (it was not built here)")
