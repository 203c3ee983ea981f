"""The systemd units: what systemd itself says of them, and how exposed it finds them."""

import sys
import tempfile
from pathlib import Path

from deploy.checks.outcome import DEPLOY, Passed, output_of

# systemd's exposure level times ten: 0 = sealed, 100 = open. Below 20 it says OK.
EXPOSURE_MAX = 20
_INSTALLED = "/opt/refund-worker/.venv/bin/refund-worker"


def check_units() -> Passed:
    """`systemd-analyze verify` finds nothing, `security` finds each unit well sealed."""
    program = Path(sys.executable).parent / "refund-worker"
    with tempfile.TemporaryDirectory() as directory:
        copies = []
        for unit in sorted((DEPLOY / "systemd").glob("*.service")):
            # `verify` wants a program that is there.
            text = unit.read_text().replace(_INSTALLED, str(program))
            (Path(directory) / unit.name).write_text(text)
            copies.append(str(Path(directory) / unit.name))
        output_of(["systemd-analyze", "verify", "--man=no", *copies])
        levels = []
        for copy in copies:
            said = output_of(
                ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", copy]
            )
            levels.append(said.rsplit("Overall exposure level", 1)[-1].split(":", 1)[-1].split()[0])
    return Passed(line=f"{len(copies)} systemd units verify; exposure {', '.join(levels)} of 10")
