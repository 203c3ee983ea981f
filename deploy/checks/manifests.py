"""The Kubernetes manifests against the schemas of the API, and the compose file against the Compose Specification."""

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import yaml
from compose_spec import PyCompose

from deploy.checks.outcome import DEPLOY, CheckFailed, Passed, output_of

KUBERNETES = "1.33"
_VARIABLE = re.compile(r"\$\{(\w+)(?::[-?][^}]*)?\}")


def check_kubernetes() -> Passed:
    """Every manifest fits its schema, with no field that the API does not know; the overlay renders."""
    kinds = [_checked(manifest) for manifest in _manifests()]
    rendered = ""
    if shutil.which("kubectl"):
        objects = list(yaml.safe_load_all(output_of(["kubectl", "kustomize", str(_EXAMPLE)])))
        for one in objects:
            _checked(one)
        rendered = f"; the example overlay renders {len(objects)} objects, which fit too"
    return Passed(line=f"{len(kinds)} Kubernetes manifests fit the schemas of {KUBERNETES}{rendered}")


def check_pods() -> Passed:
    """What a reviewer looks for in each pod: not root, nothing writable, no rights, secrets by reference, one beat."""
    pods = 0
    for manifest in _manifests():
        pod = manifest.get("spec", {}).get("template", {}).get("spec")
        if pod is None:
            continue
        pods += 1
        _expect(pod["securityContext"]["runAsNonRoot"] is True, manifest, "runs as root")
        _expect(pod["automountServiceAccountToken"] is False, manifest, "may speak to the cluster")
        for container in pod["containers"]:
            rights = container["securityContext"]
            _expect(rights["readOnlyRootFilesystem"] is True, manifest, "may write")
            _expect(rights["allowPrivilegeEscalation"] is False, manifest, "may gain rights")
            _expect(rights["capabilities"]["drop"] == ["ALL"], manifest, "has capabilities")
            _expect(all("value" not in one for one in container["env"]), manifest, "holds a secret in the clear")
        if manifest["metadata"]["name"].endswith("-beat"):
            single = manifest["spec"]["replicas"] == 1 and manifest["spec"]["strategy"]["type"] == "Recreate"
            _expect(single, manifest, "is more than one scheduler")
        if manifest["metadata"]["name"].endswith("-worker"):
            _expect(pod["terminationGracePeriodSeconds"] >= 90, manifest, "is killed before it has finished")
    return Passed(line=f"{pods} pods: not root, read-only, no capabilities, secrets by reference, one scheduler")


def check_compose() -> Passed:
    """The compose file fits the specification."""
    text = _VARIABLE.sub(lambda found: found[1].lower().replace("_", "-"), (DEPLOY / "compose.yaml").read_text())
    try:
        compose = PyCompose.from_json(json.dumps(yaml.safe_load(text)))
    except ValueError as error:
        raise CheckFailed(f"compose.yaml: {error}") from error
    return Passed(line=f"compose.yaml fits the Compose Specification ({', '.join(compose.service_names())})")


_EXAMPLE = DEPLOY / "kubernetes" / "overlays" / "example"


def _manifests() -> Iterator[dict[str, Any]]:
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from (one for one in yaml.safe_load_all(path.read_text()) if one is not None)


def _checked(manifest: dict[str, Any]) -> str:
    try:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        raise CheckFailed(f"{_name(manifest)}: {error.message}") from error
    return str(manifest["kind"])


def _expect(fits: bool, manifest: dict[str, Any], fault: str) -> None:  # noqa: FBT001  reads as a sentence
    if not fits:
        raise CheckFailed(f"{_name(manifest)} {fault}")


def _name(manifest: dict[str, Any]) -> str:
    return f"{manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"
