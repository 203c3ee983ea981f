"""The alert rules, by promtool: they parse, and their own tests pass."""

import platform
import shutil
import tempfile
from pathlib import Path

from deploy.checks.outcome import DEPLOY, NotHere, Passed, output_of

_RULES = DEPLOY / "prometheus"


def check_alerts() -> Passed:
    """`promtool check rules` and `promtool test rules`."""
    rules = [str(path) for path in sorted(_RULES.glob("*.rules.yml"))]
    tests = [str(path) for path in sorted(_RULES.glob("*.test.yml"))]
    with tempfile.TemporaryDirectory() as directory:
        promtool = shutil.which("promtool") or _unpacked(Path(directory))
        output_of([promtool, "check", "rules", *rules])
        output_of([promtool, "test", "rules", *tests])
    return Passed(line=f"promtool: {len(rules)} file of alert rules parses, {len(tests)} file of rule tests passes")


def _unpacked(directory: Path) -> str:
    """Debian's promtool, unpacked and not installed: no service is started."""
    if platform.system() != "Linux" or shutil.which("apt-get") is None:
        raise NotHere("promtool is not installed (it comes with Prometheus)")
    script = "apt-get update -qq && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb ."
    output_of(["sh", "-c", f"cd {directory} && {script}"], timeout_s=300)
    return str(directory / "usr" / "bin" / "promtool")
