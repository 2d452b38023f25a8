"""The manifests: valid by Kubernetes' own schemas, restricted by our own rules, and in step with the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from matcher.app import Config, load_config

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
OVERLAYS = sorted(path.parent for path in K8S.rglob("kustomization.yaml"))
SCHEMAS = "1.33"


def kustomization(folder: Path) -> dict[str, Any]:
    """A kustomization, read strictly enough that a misspelt field is seen."""
    read: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    known = {"apiVersion", "kind", "namespace", "labels", "resources", "configMapGenerator"}
    assert set(read) <= known, set(read) - known
    return read


def resources(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in kustomization(folder)["resources"]:
        for resource in yaml.safe_load_all((folder / name).read_text()):
            yield name, resource


ALL = [
    pytest.param(folder, name, resource, id=f"{folder.name}/{name}")
    for folder in OVERLAYS
    for name, resource in resources(folder)
]


def pod_of(resource: dict[str, Any]) -> dict[str, Any] | None:
    """Spec of the pods that a resource makes, if it makes any."""
    if resource["kind"] == "Pod":
        spec: dict[str, Any] = resource["spec"]
        return spec
    return resource.get("spec", {}).get("template", {}).get("spec")


PODS = [pytest.param(param.values[0], pod_of(param.values[2]), id=param.id) for param in ALL if pod_of(param.values[2])]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def matcher_container(pod: dict[str, Any]) -> dict[str, Any]:
    (found,) = [container for container in containers(pod) if container["name"] == "matcher"]
    return found


def configuration(folder: Path) -> Config:
    """The very file that the ConfigMap is generated from."""
    ((path,),) = [generator["files"] for generator in kustomization(folder)["configMapGenerator"]]
    return load_config(folder / path)


@pytest.mark.parametrize(("folder", "name", "resource"), ALL)
def test_resources_are_valid(folder: Path, name: str, resource: dict[str, Any]) -> None:
    """A field that the API server does not know is dropped by it without a word: strict schemas refuse it here."""
    kubernetes_validate.validate(resource, SCHEMAS, strict=True)


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda path: path.name)
def test_every_file_is_used(folder: Path) -> None:
    """A manifest that no kustomization lists is never applied."""
    listed = {*kustomization(folder)["resources"], "kustomization.yaml"}
    for generator in kustomization(folder)["configMapGenerator"]:
        listed |= set(generator["files"])
    assert {path.name for path in folder.iterdir()} == listed


@pytest.mark.parametrize(("folder", "pod"), PODS)
def test_containers_can_do_no_harm(folder: Path, pod: dict[str, Any]) -> None:
    """The namespace enforces the restricted profile: a pod that does not fit is rejected on the day of its rollout."""
    security = pod["securityContext"]
    assert security["runAsNonRoot"]
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in containers(pod):
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not {"hostPort"} & {key for port in container.get("ports", []) for key in port}
        assert re.search(r":[\w.-]+$", container["image"]), "an image without a tag is whatever was pushed last"
        assert not container["image"].endswith(":latest")


@pytest.mark.parametrize(("folder", "pod"), PODS)
def test_containers_are_bounded_and_probed(folder: Path, pod: dict[str, Any]) -> None:
    """Without requests a pod is the first to be evicted, without a memory limit it takes its neighbours along."""
    for container in containers(pod):
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert {"readinessProbe", "livenessProbe"} <= set(container)


@pytest.mark.parametrize(("folder", "pod"), PODS)
def test_probes_reach_an_address_that_is_served(folder: Path, pod: dict[str, Any]) -> None:
    """kubelet probes from outside the pod and knows no Unix sockets: the port must be open on every interface."""
    served = configuration(folder).server.listen
    container = matcher_container(pod)
    ports = {port["containerPort"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = container[probe]["grpc"]["port"]
        assert f"0.0.0.0:{port}" in served
        assert port in ports


@pytest.mark.parametrize(("folder", "pod"), PODS)
def test_there_is_time_to_drain(folder: Path, pod: dict[str, Any]) -> None:
    """Kubernetes kills what is left after the grace period: it must hold the lame duck, the drain and the journal."""
    server = configuration(folder).server
    assert pod["terminationGracePeriodSeconds"] >= server.lame_duck_seconds + server.drain_seconds + 10
    if server.lame_duck_seconds:
        assert server.lame_duck_seconds > server.connection_age_seconds


@pytest.mark.parametrize(("folder", "pod"), PODS)
def test_what_the_server_writes_is_a_volume(folder: Path, pod: dict[str, Any]) -> None:
    """The root file system is read-only: journal and socket need a mounted place, and the configuration is where the
    variable says."""
    config = configuration(folder)
    container = matcher_container(pod)
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in mounts.values()} <= volumes
    named = Path(next(entry["value"] for entry in container["env"] if entry["name"] == "MATCHER_CONFIG"))
    assert str(named.parent) in mounts
    ((file,),) = [generator["files"] for generator in kustomization(folder)["configMapGenerator"]]
    assert named.name == file
    needed = [config.journal.directory] if config.journal.directory else []
    needed += [
        str(Path(address.removeprefix("unix:")).parent) for address in config.server.listen if "unix:" in address
    ]
    for directory in needed:
        assert directory in mounts
        assert not mounts[directory].get("readOnly", False)


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda path: path.name)
def test_generated_names_are_used(folder: Path) -> None:
    """The pods mount the ConfigMap that the kustomization generates."""
    generated = {generator["name"] for generator in kustomization(folder)["configMapGenerator"]}
    mounted = {
        volume["configMap"]["name"]
        for _, resource in resources(folder)
        for volume in (pod_of(resource) or {}).get("volumes", [])
        if "configMap" in volume
    }
    assert mounted == generated


def test_the_application_shares_the_socket() -> None:
    """The sidecar is of use when both containers see the directory of the socket, and it starts first and stays."""
    folder = K8S / "sidecar"
    ((_, resource),) = list(resources(folder))
    pod = pod_of(resource)
    assert pod is not None
    (sidecar,) = pod["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    (socket,) = [address for address in configuration(folder).server.listen if address.startswith("unix:")]
    directory = str(Path(socket.removeprefix("unix:")).parent)
    for container in containers(pod):
        assert directory in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_the_image_runs_as_the_user_that_the_pods_demand() -> None:
    """runAsUser and the image's own user must be one, or files of the image are not readable."""
    text = (ROOT / "Dockerfile").read_text()
    user = re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE)
    assert user
    for param in PODS:
        security = param.values[1]["securityContext"]
        assert (str(security["runAsUser"]), str(security["runAsGroup"])) == user.groups()
