"""Runs every check that this machine can run and says what it could not."""

import sys
from collections.abc import Callable

from deploy.checks.alerts import check_alerts
from deploy.checks.image import check_dockerfile
from deploy.checks.manifests import check_compose, check_kubernetes, check_pods
from deploy.checks.outcome import CheckFailed, NotHere, Passed
from deploy.checks.procfile import check_procfile
from deploy.checks.units import check_units

CHECKS: tuple[Callable[[], Passed], ...] = (
    check_dockerfile,
    check_compose,
    check_kubernetes,
    check_pods,
    check_units,
    check_alerts,
    check_procfile,
)


def main() -> int:
    """Run them all; 1 where a recipe is wrong."""
    wrong = False
    for check in CHECKS:
        try:
            print("ok         ", check().line, flush=True)  # noqa: T201  a command's output
        except CheckFailed as failed:
            wrong = True
            print("WRONG      ", failed, flush=True)  # noqa: T201  a command's output
        except NotHere as lacking:
            print("not checked", lacking, flush=True)  # noqa: T201  a command's output
    return 1 if wrong else 0


sys.exit(main())
