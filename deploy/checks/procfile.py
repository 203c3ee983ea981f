"""`honcho start` on the Procfile, with real servers: all roles come up, answer, and end in order."""

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.checks.outcome import ROOT, CheckFailed, Passed
from deploy.local.postgres_server import PostgresServer
from deploy.local.redis_server import RedisServer
from deploy.local.server import free_port
from refund_worker.sandbox import serve

_READY_WITHIN_S = 60
_ENDED_WITHIN_S = 90
_ROLES = ("web", "worker", "beat")


def check_procfile() -> Passed:
    """All roles of the Procfile start with the platform's variables, are ready, and end on SIGTERM."""
    with (
        RedisServer(durable=False) as redis,
        PostgresServer(durable=False) as postgres,
        serve(port=0, scenario="empty") as sandbox,
        tempfile.TemporaryDirectory() as directory,
    ):
        port = free_port()
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": directory,
            # As Heroku writes it.
            "DATABASE_URL": postgres.url.replace("postgresql://", "postgres://", 1),
            "REDIS_URL": redis.url,
            "PORT": str(port),
            "STRIPE_API_KEY": "sk_test_sandbox",
            "STRIPE_API_BASE": sandbox.base_url,
            "STRIPE_WEBHOOK_SECRET": "whsec_check",
            "HEARTBEAT_DIRECTORY": directory,
        }
        _run(["run", *_release()], environment)
        seconds = _start_and_stop(environment, port=port, directory=Path(directory))
    return Passed(line=f"honcho start on the Procfile: {', '.join(_ROLES)} ready in {seconds:.1f} s, ended in order")


def _release() -> list[str]:
    lines = dict(line.split(":", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
    if set(lines) != {"release", *_ROLES}:
        raise CheckFailed(f"the Procfile has {', '.join(lines)}")
    return lines["release"].split()


def _honcho(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "honcho"), "-f", str(ROOT / "Procfile"), "-e", os.devnull, *arguments]


def _run(arguments: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603  the Procfile's own command
        _honcho(*arguments), env=environment, cwd=environment["HOME"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CheckFailed(f"release: {(done.stdout + done.stderr).strip()}")


def _start_and_stop(environment: Mapping[str, str], *, port: int, directory: Path) -> float:
    began = time.monotonic()
    log = directory / "honcho.log"
    with log.open("w") as output:
        # `-p`: honcho gives each role its own PORT otherwise.
        honcho = subprocess.Popen(  # noqa: S603  the Procfile's own commands
            _honcho("start", "-p", str(port), *_ROLES),
            env=environment,
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while not (_ready(port) and all(_beats(directory, role) for role in ("worker", "beat"))):
                if honcho.poll() is not None or time.monotonic() - began > _READY_WITHIN_S:
                    raise CheckFailed(f"not ready within {_READY_WITHIN_S} s:\n{log.read_text()[-4000:]}")
                time.sleep(0.2)
            seconds = time.monotonic() - began
            honcho.send_signal(signal.SIGTERM)
            honcho.wait(_ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise CheckFailed(f"did not end within {_ENDED_WITHIN_S} s:\n{log.read_text()[-4000:]}") from None
        finally:
            if honcho.poll() is None:
                os.killpg(honcho.pid, signal.SIGKILL)
                honcho.wait()
    if "Traceback" in log.read_text():
        raise CheckFailed(f"a traceback in the log:\n{log.read_text()[-4000:]}")
    return seconds


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _beats(directory: Path, role: str) -> bool:
    return (directory / f"refund-worker-{role}.alive").exists()
