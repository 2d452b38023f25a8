"""The manifests as a cluster would get them: what kustomize renders, with the tools that `.ci/manifests.sh` builds."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
FOLDERS = {path.parent.relative_to(K8S).as_posix(): path.parent for path in sorted(K8S.rglob("kustomization.yaml"))}
TOOLS = ROOT / "build" / "manifests" / "bin"


def tool(name: str, how: str) -> str:
    """Path of a program; without it the test is skipped, and fails where CI promises that nothing is missing."""
    found = shutil.which(name, path=os.pathsep.join([str(TOOLS), os.environ.get("PATH", "")]))
    if found is None:
        reason = f"{name} is not installed: {how}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@functools.cache
def text(folder: str) -> str:
    """Everything that `kubectl apply -k` would send, as kustomize prints it."""
    kustomize = tool("kustomize", "bash .ci/manifests.sh builds it")
    done = subprocess.run([kustomize, "build", FOLDERS[folder]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize warns: {done.stderr}"
    return done.stdout


def resources(folder: str) -> list[dict[str, Any]]:
    """The rendered resources."""
    return list(yaml.safe_load_all(text(folder)))


def of_kind(folder: str, kind: str) -> list[dict[str, Any]]:
    """Those of one kind."""
    return [resource for resource in resources(folder) if resource["kind"] == kind]


def only(folder: str, kind: str, name: str = "") -> dict[str, Any]:
    """The one of that kind (and name)."""
    found = [one for one in of_kind(folder, kind) if name in ("", one["metadata"]["name"])]
    assert len(found) == 1, f"{folder} has {len(found)} {kind} {name}"
    return found[0]


def pods(folder: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(the resource, the pod's spec) of everything in the folder that makes pods."""
    made = []
    for resource in resources(folder):
        if resource["kind"] == "Pod":
            made.append((resource, resource["spec"]))
        elif "containers" in resource.get("spec", {}).get("template", {}).get("spec", {}):
            made.append((resource, resource["spec"]["template"]["spec"]))
    return made
