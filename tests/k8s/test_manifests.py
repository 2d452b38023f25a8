"""The rendered manifests: valid by Kubernetes' schemas, restricted by our own rules, in step with the configuration."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.k8s.rendering import FOLDERS, K8S, ROOT, of_kind, only, pods, resources, text, tool

from matcher.app import Config, parse_config

SCHEMAS = "1.33"
CUSTOM = ("argoproj.io/", "monitoring.coreos.com/")
EACH = pytest.mark.parametrize("folder", FOLDERS)
MATCHERS = pytest.mark.parametrize("folder", [name for name in FOLDERS if name != "sharding"])
SHARED = pytest.mark.parametrize("folder", [name for name in FOLDERS if name not in ("sharding", "sidecar")])


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def matcher_pod(folder: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(pod, its container that is matcher)."""
    ((pod, container),) = [
        (pod, container) for _, pod in pods(folder) for container in containers(pod) if container["name"] == "matcher"
    ]
    return pod, container


def configuration(folder: str) -> Config:
    """What the server in the pod reads: the mounted ConfigMap, by the server's own reader."""
    pod, container = matcher_pod(folder)
    (variable,) = [entry["value"] for entry in container["env"] if entry["name"] == "MATCHER_CONFIG"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["mountPath"] == str(Path(variable).parent)]
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
    data: dict[str, str] = only(folder, "ConfigMap", volume["configMap"]["name"])["data"]
    return parse_config(data[Path(variable).name], folder)


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


@EACH
def test_resources_are_valid(folder: str) -> None:
    """A field that the API server does not know is dropped by it without a word: strict schemas refuse it here.

    Custom resources are decoded into the types of the programs that read them.
    """
    custom: dict[str, int] = {}
    for resource in resources(folder):
        if resource["apiVersion"].startswith(CUSTOM):
            name = f"{resource['apiVersion']} {resource['kind']}"
            custom[name] = custom.get(name, 0) + 1
        else:
            kubernetes_validate.validate(resource, SCHEMAS, strict=True)
    manifests = tool("manifests", "bash .ci/manifests.sh builds it")
    done = subprocess.run([manifests, "resources"], input=text(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{count} {name}" for name, count in sorted(custom.items())]


def test_a_misspelt_field_of_a_custom_resource_is_found() -> None:
    """The check above could pass by reading nothing."""
    manifests = tool("manifests", "bash .ci/manifests.sh builds it")
    wrong = text("overlays/canary").replace("inconclusiveLimit:", "inconclusiveLimits:")
    done = subprocess.run([manifests, "resources"], input=wrong, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "inconclusiveLimits" in done.stderr


@EACH
def test_every_file_is_used(folder: str) -> None:
    """A manifest that no kustomization lists is never applied."""
    read: dict[str, Any] = yaml.safe_load((FOLDERS[folder] / "kustomization.yaml").read_text())
    listed = {"kustomization.yaml", *read.get("resources", [])}
    listed |= {patch["path"] for patch in read.get("patches", [])}
    for generator in read.get("configMapGenerator", []):
        listed |= {file.rpartition("=")[2] for file in generator["files"]}
    assert {path.name for path in FOLDERS[folder].iterdir() if path.is_file()} <= listed


@EACH
def test_containers_can_do_no_harm(folder: str) -> None:
    """The namespace enforces the restricted profile: a pod that does not fit is rejected on the day of its rollout."""
    assert pods(folder)
    for _, pod in pods(folder):
        security = pod["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
        for container in containers(pod):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert not [port for port in container.get("ports", []) if "hostPort" in port]
            assert re.search(r":[\w.-]+$", container["image"]), "an image without a tag is whatever was pushed last"
            assert not container["image"].endswith(":latest")


@EACH
def test_containers_are_bounded_and_probed(folder: str) -> None:
    """Without requests a pod is the first to be evicted, without a memory limit it takes its neighbours along."""
    for _, pod in pods(folder):
        for container in containers(pod):
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            assert {"readinessProbe", "livenessProbe"} <= set(container)
        for volume in pod["volumes"]:
            if "emptyDir" in volume:
                assert "sizeLimit" in volume["emptyDir"], "a directory without a limit fills the node's disk"


@EACH
def test_everything_is_in_one_namespace(folder: str) -> None:
    """A resource that forgets its namespace lands in whichever one the person who applies it happens to be in."""
    if folder == "sidecar":  # lives in its application's
        return
    namespaces = {one["metadata"].get("namespace") for one in resources(folder) if one["kind"] != "Namespace"}
    assert len(namespaces) == 1
    for namespace in of_kind(folder, "Namespace"):
        assert {namespace["metadata"]["name"]} == namespaces
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@EACH
def test_deployments_are_spread_guarded_and_fenced(folder: str) -> None:
    """Pods of one node or zone go together, a drain of nodes takes all at once, and whoever is in the cluster may call:
    unless the manifests say otherwise."""
    for resource, pod in pods(folder):
        if resource["kind"] != "Deployment":
            continue
        labels = resource["spec"]["template"]["metadata"]["labels"]
        assert selects(resource["spec"]["selector"]["matchLabels"], labels)
        topologies = {spread["topologyKey"] for spread in pod["topologySpreadConstraints"]}
        assert "kubernetes.io/hostname" in topologies
        for spread in pod["topologySpreadConstraints"]:
            assert selects(spread["labelSelector"]["matchLabels"], labels)
        fences = [
            one["spec"]
            for one in of_kind(folder, "NetworkPolicy")
            if selects(one["spec"]["podSelector"]["matchLabels"], labels)
        ]
        assert fences
        assert set(fences[0]["policyTypes"]) == {"Ingress", "Egress"}
        assert all(rule.get("from") for rule in fences[0]["ingress"]), "a rule without a source lets everybody in"
        budgets = [
            one
            for one in of_kind(folder, "PodDisruptionBudget")
            if selects(one["spec"]["selector"]["matchLabels"], labels)
        ]
        assert budgets or resource["spec"].get("replicas") == 1
        if "matcher-client" not in labels:
            assert pod["serviceAccountName"] in {one["metadata"]["name"] for one in of_kind(folder, "ServiceAccount")}
        assert resource["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@EACH
def test_any_pod_with_the_client_label_may_call(folder: str) -> None:
    """A label that kustomize adds to the peers too turns the rule into: only pods of matcher may call matcher."""
    for policy in of_kind(folder, "NetworkPolicy"):
        admitted = [
            source["podSelector"]["matchLabels"]
            for rule in policy["spec"]["ingress"]
            if {"port": "grpc"} in rule["ports"]
            for source in rule["from"]
        ]
        assert admitted == [{"matcher-client": "true"}]
        if policy["metadata"]["name"] == "matcher":
            collectors = [
                peer["podSelector"]["matchLabels"] for rule in policy["spec"]["egress"] for peer in rule.get("to", ())
            ]
            assert collectors == [{"app.kubernetes.io/name": "opentelemetry-collector"}]


@EACH
def test_services_lead_to_ports_that_exist(folder: str) -> None:
    """A Service with a wrong selector or port answers nobody, and nothing says so."""
    for service in of_kind(folder, "Service"):
        targets = [
            {port["name"] for container in containers(pod) for port in container.get("ports", [])}
            for resource, pod in pods(folder)
            if selects(service["spec"]["selector"], resource["spec"]["template"]["metadata"]["labels"])
        ]
        assert targets
        for port in service["spec"]["ports"]:
            assert all(port["targetPort"] in target for target in targets)


@MATCHERS
def test_probes_reach_an_address_that_is_served(folder: str) -> None:
    """kubelet probes from outside the pod, knows no Unix sockets and speaks no TLS to gRPC: a gRPC probe needs a port
    in clear on every interface, an HTTP one the admin port."""
    config = configuration(folder)
    server = config.server
    _, container = matcher_pod(folder)
    ports = {port["containerPort"]: port["name"] for port in container["ports"]}
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container[name]
        if "grpc" in probe:
            assert not config.tls.certificate
            assert f"0.0.0.0:{probe['grpc']['port']}" in server.listen
            assert probe["grpc"]["port"] in ports
        else:
            admin = int(server.admin.removeprefix("0.0.0.0:"))
            assert ports[admin] == probe["httpGet"]["port"]
            assert probe["httpGet"]["path"] == ("/livez" if name == "livenessProbe" else "/readyz")


@MATCHERS
def test_there_is_time_to_drain(folder: str) -> None:
    """Kubernetes kills what is left after the grace period: it must hold the lame duck, the drain and the journal."""
    server = configuration(folder).server
    pod, _ = matcher_pod(folder)
    assert pod["terminationGracePeriodSeconds"] >= server.lame_duck_seconds + server.drain_seconds + 10
    if server.lame_duck_seconds:
        assert server.lame_duck_seconds > server.connection_age_seconds


@MATCHERS
def test_what_the_server_writes_is_a_volume(folder: str) -> None:
    """The root file system is read-only: journal and socket need a mounted place with room for what is kept."""
    config = configuration(folder)
    pod, container = matcher_pod(folder)
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in mounts.values()} <= set(volumes)
    needed = [config.journal.directory] if config.journal.directory else []
    needed += [
        str(Path(address.removeprefix("unix:")).parent) for address in config.server.listen if "unix:" in address
    ]
    for directory in needed:
        assert directory in mounts
        assert not mounts[directory].get("readOnly", False)
    if config.journal.directory:
        room = volumes[mounts[config.journal.directory]["name"]]["emptyDir"]["sizeLimit"]
        assert int(room.removesuffix("Gi")) << 30 >= config.journal.keep_bytes + config.journal.segment_bytes


@pytest.mark.parametrize("folder", ["overlays/prod", "overlays/canary"])
def test_production_knows_its_callers(folder: str) -> None:
    """Certificates come from a Secret that is mounted whole, so that a renewed one shows up in the running pod."""
    tls = configuration(folder).tls
    pod, container = matcher_pod(folder)
    assert tls.client_ca
    assert tls.allow
    (volume,) = [volume for volume in pod["volumes"] if "secret" in volume]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == volume["name"]]
    assert mount["readOnly"]
    assert "subPath" not in mount, "a file mounted by itself is never renewed"
    for file, key in ((tls.certificate, "tls.crt"), (tls.key, "tls.key"), (tls.client_ca, "ca.crt")):
        assert file == f"{mount['mountPath']}/{key}"
    assert volume["secret"]["defaultMode"] & 0o077 in (0, 0o040), "readable for the pod's group alone"


@SHARED
def test_the_admin_port_is_open_to_monitoring_alone(folder: str) -> None:
    """It shows the configuration and where time goes, without authentication."""
    admin = int(configuration(folder).server.admin.removeprefix("0.0.0.0:"))
    _, container = matcher_pod(folder)
    assert {"name": "admin", "containerPort": admin} in container["ports"]
    (policy,) = of_kind(folder, "NetworkPolicy")
    rules = {port["port"]: rule["from"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert rules["admin"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    assert all("podSelector" in source for source in rules["grpc"])


@MATCHERS
def test_only_development_answers_tools(folder: str) -> None:
    """Reflection gives the contract to whoever asks."""
    assert configuration(folder).server.reflection == (folder == "overlays/dev")


@pytest.mark.parametrize("folder", ["base", "overlays/prod", "overlays/canary"])
def test_pods_are_scaled_by_load_and_by_waiting(folder: str) -> None:
    """CPU alone comes too late when few large markets arrive at once."""
    spec = only(folder, "HorizontalPodAutoscaler")["spec"]
    target = only(folder, "Rollout" if folder == "overlays/canary" else "Deployment")
    assert spec["scaleTargetRef"] == {
        "apiVersion": target["apiVersion"], "kind": target["kind"], "name": target["metadata"]["name"],
    }  # fmt: skip
    assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
    kinds = {metric["type"]: metric for metric in spec["metrics"]}
    assert kinds["Resource"]["resource"]["name"] == "cpu"
    served = yaml.safe_load((K8S / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    assert [rule["name"]["as"] for rule in served] == [kinds["Pods"]["pods"]["metric"]["name"]]


def test_the_canary_takes_over_the_deployment() -> None:
    """Names hold the three resources together: the pods' template, what runs it, and what judges it."""
    rollout, template = only("overlays/canary", "Rollout")["spec"], only("overlays/canary", "AnalysisTemplate")
    deployment = only("overlays/canary", "Deployment")
    assert rollout["workloadRef"]["name"] == deployment["metadata"]["name"]
    assert deployment["spec"]["replicas"] == 0, "pods of the Deployment would serve beside the Rollout's"
    analysis = rollout["strategy"]["canary"]["analysis"]
    assert [one["templateName"] for one in analysis["templates"]] == [template["metadata"]["name"]]
    given = {one["name"] for one in analysis["args"]}
    declared = {one["name"] for one in template["spec"]["args"]}
    assert {one["name"] for one in template["spec"]["args"] if "value" not in one} == given
    used = set(re.findall(r"\{\{args\.([\w-]+)\}\}", str(template["spec"]["metrics"])))
    assert used == declared
    label = "rollouts-pod-template-hash"
    assert label in only("overlays/canary", "ServiceMonitor")["spec"]["podTargetLabels"]
    assert label.replace("-", "_") in str(template["spec"]["metrics"])
    weights = [step["setWeight"] for step in rollout["strategy"]["canary"]["steps"] if "setWeight" in step]
    assert weights == sorted(weights)


def test_the_router_starts_and_shards_by_what_clients_send() -> None:
    """Envoy's own declared rules; and a hash of metadata that nobody sends would put every market on one pod."""
    manifests = tool("manifests", "bash .ci/manifests.sh builds it")
    written = (K8S / "sharding" / "envoy.yaml").read_text()
    done = subprocess.run([manifests, "envoy"], input=written, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wrong = written.replace("hash_policy:", "hash_policies:")
    assert subprocess.run([manifests, "envoy"], input=wrong, capture_output=True, text=True, check=False).returncode
    config = yaml.safe_load(written)
    (listener,), (cluster,) = config["static_resources"]["listeners"], config["static_resources"]["clusters"]
    assert cluster["lb_policy"] in ("RING_HASH", "MAGLEV")
    (header,) = re.findall(r"header_name: ([\w-]+)", written)
    assert f'"{header}"' in (ROOT / "clients" / "go" / "client.go").read_text()
    assert f'"{header}"' in (ROOT / "python" / "matcher" / "client" / "calls.py").read_text()
    service = only("base", "Service")
    address = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    assert address["address"] == f"{name}.{namespace}.svc.cluster.local"
    assert service["spec"]["clusterIP"] == "None", "behind a virtual IP the ring would have one member"
    assert address["port_value"] in {port["port"] for port in service["spec"]["ports"]}
    (container,) = pods("sharding")[0][1]["containers"]
    served = listener["address"]["socket_address"]["port_value"]
    assert served in {port["containerPort"] for port in container["ports"]}


def test_the_application_shares_the_socket() -> None:
    """The sidecar is of use when both containers see the directory of the socket, and it starts first and stays."""
    pod, _ = matcher_pod("sidecar")
    (sidecar,) = pod["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    (socket,) = [address for address in configuration("sidecar").server.listen if address.startswith("unix:")]
    directory = str(Path(socket.removeprefix("unix:")).parent)
    for container in containers(pod):
        assert directory in {mount["mountPath"] for mount in container["volumeMounts"]}
    for container in pod["containers"]:
        assert f"unix://{directory}/{Path(socket).name}" in container["args"]


def test_the_image_runs_as_the_user_that_the_pods_demand() -> None:
    """runAsUser and the image's own user must be one, or files of the image are not readable."""
    written = (ROOT / "Dockerfile").read_text()
    user = re.search(r"^USER (\d+):(\d+)$", written, re.MULTILINE)
    assert user
    for folder in FOLDERS:
        for _, pod in pods(folder):
            security = pod["securityContext"]
            assert (str(security["runAsUser"]), str(security["runAsGroup"])) == user.groups()
