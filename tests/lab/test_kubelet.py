"""What the kubelet promises, through the API as any client sees it."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import waiting
from fixtures.clusters.protocol import run_on
from fixtures.kube.client import ApiRefusedError
from fixtures.probes import pods as probe_pods
from fixtures.probes.stream import STATUS, STDOUT
from policies.flow import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fixtures.kube.client import Kube, Object
    from tests.support.open_lab import OpenLab

pytestmark = pytest.mark.lab

NAMESPACE = "netproof-x"
NODE = "node2"
PATIENCE = 20.0  # seconds; our patience
POD = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture
def kube(lab: OpenLab) -> Kube:
    """The lab's API."""
    return lab.testbed.kube


@pytest.fixture
def make(kube: Kube) -> Iterator[Callable[..., str]]:
    """A function that creates a pod on node2 of containers and more of its spec; its pods are deleted afterwards."""
    made: list[Object] = []

    def create(containers: list[Object], **spec: Any) -> str:  # noqa: ANN401 - parts of a pod
        name = f"t-{secrets.token_hex(3)}"
        metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app": name}}
        whole = {"nodeName": NODE, "terminationGracePeriodSeconds": 1, "containers": containers, **spec}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": whole}
        kube.apply([pod])
        made.append(pod)
        return name

    yield create
    for pod in made:
        kube.delete(pod, grace=0)


def shell(script: str, **more: Any) -> Object:  # noqa: ANN401 - parts of a container
    """A container that runs a shell script."""
    return {"name": "main", "image": "python", "command": ["sh", "-c", script], **more}


def state(kube: Kube, name: str) -> Object:
    """The status of a pod's first container."""
    status: Object = kube.get(f"{POD}/{name}").get("status", {})
    return next(iter(status.get("containerStatuses", [])), {})


def has_phase(kube: Kube, path: str, phase: str) -> bool:
    """Whether a pod is in a phase."""
    return bool(kube.get(path)["status"]["phase"] == phase)


def is_ready(kube: Kube, name: str, wanted: bool) -> bool:  # noqa: FBT001 - what is waited for
    """Whether a pod's first container is ready, or is not."""
    return state(kube, name).get("ready") is wanted


def log(kube: Kube, name: str, wanted: str, container: str = "main") -> str:
    """A container's output once it contains a text."""

    def there() -> str:
        try:
            text = kube.log(NAMESPACE, name, container, 100)
        except ApiRefusedError:
            return ""  # not started yet
        return text if wanted in text else ""

    return waiting.until(there, f"{wanted!r} in the log of {name}", patience=PATIENCE)


def address(kube: Kube, name: str) -> str:
    """A pod's address, once its status has it."""
    where = f"{POD}/{name}"
    return str(waiting.until(lambda: kube.get(where)["status"].get("podIP"), f"{where}'s address", patience=PATIENCE))


def execute(kube: Kube, name: str, command: list[str]) -> tuple[str, Object]:
    """Run a command in a pod as `kubectl exec` without -i does; its output and the status at its end."""
    socket = kube.exec_socket(NAMESPACE, name, command, stdin=False)
    socket.settimeout(PATIENCE)
    received: dict[int, bytes] = {}
    try:
        while STATUS not in received and (frame := socket.recv()):
            data = frame.encode() if isinstance(frame, str) else frame
            received[data[0]] = received.get(data[0], b"") + data[1:]
    finally:
        socket.close(timeout=0)
    return received.get(STDOUT, b"").decode(), json.loads(received[STATUS])


def test_an_unmapped_image_is_err_image_pull_with_advice(kube: Kube, make: Callable[..., str]) -> None:
    """An image the lab does not know leaves the pod waiting, and says how to map it."""
    name = make([{"name": "main", "image": "registry.invalid/some/thing:v1"}])

    def waits() -> Object:
        found: Object = state(kube, name).get("state", {}).get("waiting", {})
        return found if found.get("reason") == "ErrImagePull" else {}

    waiting_state = waiting.until(waits, "ErrImagePull", patience=PATIENCE)
    assert "--image some/thing=/PATH/IN/CONTAINER:/PATH/HERE" in waiting_state["message"]


def events(kube: Kube, name: str, reason: str) -> list[Object]:
    """The events about a pod with a reason."""
    where = f"fieldSelector=involvedObject.name%3D{name},reason%3D{reason}"
    return list(kube.get(f"/api/v1/namespaces/{NAMESPACE}/events?{where}")["items"])


def refused_log(kube: Kube, name: str) -> str:
    """Why the API has no log of a pod's container, after the status code; "" where it has one."""
    try:
        kube.log(NAMESPACE, name, "main", 100)
    except ApiRefusedError as error:
        return f"{error.status} {error}"
    return ""


NOWHERE = {"configMapKeyRef": {"name": "t-none", "key": "k"}}
CANNOT_START: dict[str, tuple[Object, Object, str, str, str]] = {
    "image": (
        {"image": "registry.invalid/some/thing:v1"},
        {},
        "ErrImagePull",
        'Failed to pull image "registry.invalid/some/thing:v1": ',
        "image can't be pulled",
    ),
    "variable": (
        {"env": [{"name": "X", "valueFrom": NOWHERE}]},
        {},
        "CreateContainerConfigError",
        'Error: configmap "t-none" not found',
        "CreateContainerConfigError",
    ),
    "volume": (
        {},
        {"volumes": [{"name": "v", "secret": {"secretName": "t-none"}}]},
        "ContainerCreating",
        'MountVolume.SetUp failed for volume "v" : secret "t-none" not found',
        "ContainerCreating",
    ),
    "command": (
        {"command": ["no-such-command"]},
        {},
        "RunContainerError",
        'Error: exec: "no-such-command": executable file not found in $PATH',
        "RunContainerError",
    ),
}


@pytest.mark.parametrize("case", CANNOT_START)
def test_a_container_that_cannot_start_says_why(kube: Kube, make: Callable[..., str], case: str) -> None:
    """Its waiting state, a Warning event and the refusal of its log agree on the reason."""
    container, pod, reason, message, in_log = CANNOT_START[case]
    name = make([{**shell("sleep 600"), **container}], **pod)
    kind = "FailedMount" if "volumes" in pod else "Failed"

    def seen() -> bool:
        messages = [event["message"] for event in events(kube, name, kind)]
        waits = state(kube, name).get("state", {}).get("waiting", {}).get("reason") == reason
        return waits and any(text.startswith(message) for text in messages)

    waiting.until(seen, f"{reason}, and an event", patience=PATIENCE)
    refusal = f'container "main" in pod "{name}" is waiting to start: {in_log}'
    waiting.until(lambda: refusal in refused_log(kube, name), refusal, patience=PATIENCE)
    assert refused_log(kube, name).startswith("400 ")


def test_a_container_that_waits_for_an_init_container_says_so(kube: Kube, make: Callable[..., str]) -> None:
    """Its state is PodInitializing, and so is the reason for which it has no log."""
    init = {**shell("echo begun; sleep 600"), "name": "first"}
    name = make([shell("sleep 600")], initContainers=[init])
    log(kube, name, "begun", "first")
    assert "is waiting to start: PodInitializing" in refused_log(kube, name)
    assert state(kube, name)["state"] == {"waiting": {"reason": "PodInitializing"}}


def test_a_failure_that_repeats_is_one_event_until_it_ends(kube: Kube, make: Callable[..., str]) -> None:
    """The count of one event is raised; once what was missing is there, the container starts."""
    name = make([shell("echo $X; sleep 600", env=[{"name": "X", "valueFrom": NOWHERE}])])

    def counts() -> list[int]:
        return [event["count"] for event in events(kube, name, "Failed")]

    # Pauses between attempts grow to half a second: seven attempts take more than a second, which timestamps count in.
    waiting.until(lambda: max(counts(), default=0) >= 7, "a count of 7", patience=PATIENCE)
    assert len(counts()) == 1
    (event,) = events(kube, name, "Failed")
    assert event["involvedObject"]["fieldPath"] == "spec.containers{main}"
    assert event["firstTimestamp"] < event["lastTimestamp"]
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "t-none", "namespace": NAMESPACE}}
    kube.apply([{**config, "data": {"k": "there"}}])
    try:
        log(kube, name, "there")
    finally:
        kube.delete(config)


def test_logs_are_of_one_run_and_previous_ones_of_the_one_before(kube: Kube, make: Callable[..., str]) -> None:
    """A container that has restarted has the output of its latest run, and with --previous that of the one before."""
    script = "test -e /s/one && echo second && sleep 600; touch /s/one; echo first; exit 1"
    mounts = [{"name": "s", "mountPath": "/s"}]
    name = make([shell(script, volumeMounts=mounts)], volumes=[{"name": "s", "emptyDir": {}}])
    assert log(kube, name, "second") == "second\n"
    assert kube.log(NAMESPACE, name, "main", 100, previous=True) == "first\n"


def test_a_crashed_container_is_restarted_and_counted(kube: Kube, make: Callable[..., str]) -> None:
    """A container that ends with an error is started again, and its last state is kept."""
    name = make([shell("exit 3")])
    found = waiting.until(
        lambda: state(kube, name) if state(kube, name).get("restartCount", 0) >= 2 else {},
        "two restarts",
        patience=PATIENCE,
    )
    assert found["lastState"]["terminated"]["exitCode"] == 3


def test_a_pod_that_never_restarts_ends_with_its_phase(kube: Kube, make: Callable[..., str]) -> None:
    """A restart policy of Never: exit code 0 is Succeeded, another is Failed."""
    for code, phase in ((0, "Succeeded"), (1, "Failed")):
        path = f"{POD}/{make([shell(f'exit {code}')], restartPolicy='Never')}"
        waiting.until(partial(has_phase, kube, path, phase), phase, patience=PATIENCE)


def test_init_containers_run_first_and_in_order(kube: Kube, make: Callable[..., str]) -> None:
    """Each init container ends before the next begins; all before the pod's own, which sees their files."""
    mounts = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    init = [{**shell(f"echo {n} >> /shared/order", **mounts), "name": f"init{n}"} for n in (1, 2)]
    main = shell("cat /shared/order; echo done; sleep 60", **mounts)
    name = make([main], initContainers=init, volumes=[{"name": "shared", "emptyDir": {}}])
    assert log(kube, name, "done").split() == ["1", "2", "done"]


def test_environment_and_volumes_come_from_where_they_are_said(kube: Kube, make: Callable[..., str]) -> None:
    """Values, references, fields, ConfigMaps and the service account reach a container."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "t-config", "namespace": NAMESPACE}}
    kube.apply([{**config, "data": {"key": "from-config", "file.txt": "content"}}])
    env = [
        {"name": "PLAIN", "value": "plain"},
        {"name": "REFERENCE", "value": "$(PLAIN)-again"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "t-config", "key": "key"}}},
    ]
    script = (
        "echo $PLAIN $REFERENCE $NODE $KEY $(cat /config/file.txt) $(hostname);"
        "test -s /var/run/secrets/kubernetes.io/serviceaccount/token &&"
        " echo $IP $KUBERNETES_SERVICE_HOST done; sleep 60"
    )
    mounts = [{"name": "config", "mountPath": "/config"}]
    volumes = [{"name": "config", "configMap": {"name": "t-config"}}]
    name = make([shell(script, env=env, volumeMounts=mounts)], volumes=volumes)
    first, second = log(kube, name, "done").splitlines()
    assert first == f"plain plain-again {NODE} from-config content {name}"
    assert second == f"{address(kube, name)} 10.96.0.1 done"


def test_a_deleted_pod_is_asked_to_end_and_then_gone(kube: Kube, make: Callable[..., str], lab: OpenLab) -> None:
    """SIGTERM comes first; afterwards neither object, process nor address is left."""
    out = "/tmp/netproof-term"  # noqa: S108 - on the node's own tmpfs
    script = f"trap 'echo asked > {out}; exit 0' TERM; echo up; while true; do sleep 0.1; done"
    name = make([shell(script)], terminationGracePeriodSeconds=10)
    log(kube, name, "up")
    ip = address(kube, name)
    kube.request("DELETE", f"{POD}/{name}")

    def gone() -> bool:
        return all(pod["metadata"]["name"] != name for pod in kube.pods(NAMESPACE))

    waiting.until(gone, "the pod gone", patience=PATIENCE)
    assert run_on(lab.testbed.cluster, NODE, ["cat", out]).out.strip() == "asked"
    records = run_on(lab.testbed.cluster, NODE, ["sh", "-c", "ls /var/lib/cni/networks/cbr0"]).out.split()
    assert ip not in records


def test_a_host_port_reaches_its_pod(kube: Kube, make: Callable[..., str], lab: OpenLab) -> None:
    """A hostPort given to portmap as runtimeConfig leads from the node's address to the pod."""
    plan = probe_pods.pod_object(probe_pods.PodPlan(NAMESPACE, "unused", NODE))
    agent = plan["spec"]["containers"][0]
    agent["ports"] = [{"containerPort": 80, "hostPort": 28080}]
    name = make([agent], volumes=plan["spec"]["volumes"], hostNetwork=False)
    probe_pods.wait_ready(kube, [(NAMESPACE, name)], PATIENCE)
    client = lab.testbed.pods_on("node1")[0]
    target = Target("tcp", lab.testbed.node_ip(NODE), 28080)

    def answers() -> bool:  # Ready says that the agent runs, not that it listens yet
        (seen,) = lab.testbed.probers[client.key].probe([target])[0]
        return (seen.outcome, seen.identity) == ("connected", f"{NAMESPACE}/unused")

    waiting.until(answers, "an answer on the hostPort", patience=PATIENCE)


def test_readiness_follows_its_probe(kube: Kube, make: Callable[..., str]) -> None:
    """A pod is Ready while its readiness probe succeeds, and no longer."""
    probe = {"exec": {"command": ["test", "-e", "/ready/yes"]}, "periodSeconds": 1, "failureThreshold": 1}
    mounts = [{"name": "ready", "mountPath": "/ready"}]
    script = "sleep 1; touch /ready/yes; sleep 2; rm /ready/yes; sleep 60"
    name = make(
        [shell(script, readinessProbe=probe, volumeMounts=mounts)], volumes=[{"name": "ready", "emptyDir": {}}]
    )
    for wanted in (False, True, False):
        waiting.until(partial(is_ready, kube, name, wanted), f"ready is {wanted}", patience=PATIENCE)


def test_cni_check_passes_and_finds_what_is_gone(kube: Kube, lab: OpenLab) -> None:
    """CHECK runs on request; flannel's list is of version 0.3.1, which cannot be checked, and that is said."""
    pod = lab.testbed.pods_on(NODE)[0]
    with pytest.raises(ApiRefusedError) as refused:
        kube.get(f"/api/v1/nodes/{NODE}/proxy/cniCheck/{pod.namespace}/{pod.name}")
    assert "cbr0 cannot be checked: 0.3.1" in str(refused.value)


needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on this machine")


def kubectl(lab: OpenLab, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run kubectl against the lab."""
    command = ["kubectl", f"--kubeconfig={lab.testbed.cluster.kubeconfig}", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30, check=False)


@needs_kubectl
def test_kubectl_lists_and_executes(lab: OpenLab) -> None:
    """Kubectl get, exec with input and exit code, and logs work from the host."""
    listed = json.loads(kubectl(lab, "get", "pods", "-A", "-o", "json").stdout)
    assert len(listed["items"]) >= len(lab.testbed.pods)
    pod = next(iter(lab.testbed.pods.values()))
    where = ("-n", pod.namespace, pod.name)
    ran = kubectl(lab, "exec", "-i", *where, "--", "sh", "-c", "cat; hostname; exit 7", stdin="hello\n")
    assert (ran.returncode, ran.stdout) == (7, f"hello\n{pod.name}\n")
    assert kubectl(lab, "logs", *where).returncode == 0


def test_exec_without_input_ends_and_a_missing_command_is_an_error(kube: Kube, lab: OpenLab) -> None:
    """What reads its input ends at once without -i, and a command that is not there is an error of the server."""
    name = next(pod.name for pod in lab.testbed.pods.values() if pod.namespace == NAMESPACE)
    out, status = execute(kube, name, ["sh", "-c", "cat; echo end"])
    assert (out, status["status"]) == ("end\n", "Success")
    out, status = execute(kube, name, ["no-such-command"])
    assert (out, status["reason"], status["code"]) == ("", "InternalError", 500)
    assert 'exec: "no-such-command": executable file not found in $PATH' in status["message"]


def test_a_daemon_set_runs_on_every_node(kube: Kube, lab: OpenLab) -> None:
    """The real controllers and scheduler place its pods, and the kubelets run them."""
    meta = {"name": "t-daemon", "namespace": NAMESPACE}
    template = {"metadata": {"labels": {"app": "t-daemon"}}, "spec": {"containers": [shell("sleep 600")]}}
    spec = {"selector": {"matchLabels": {"app": "t-daemon"}}, "template": template}
    daemon = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": spec}
    kube.apply([daemon])
    try:
        waiting.until(
            lambda: (
                {p["spec"]["nodeName"] for p in kube.pods(NAMESPACE, {"app": "t-daemon"}) if probe_pods.is_ready(p)}
                == set(lab.testbed.nodes)
            ),
            "a ready pod on every node",
            patience=PATIENCE,
        )
    finally:
        kube.delete(daemon)


def test_a_pod_that_has_ended_gives_its_address_back(lab: OpenLab, kube: Kube, make: Callable[..., str]) -> None:
    """The address of a completed pod is free again while its object stays, as with a real kubelet."""
    name = make([shell("true")], restartPolicy="Never")
    waiting.until(lambda: has_phase(kube, f"{POD}/{name}", "Succeeded"), "the end of the pod", patience=PATIENCE)
    ip = address(kube, name)

    def free() -> bool:
        script = f"! ls /var/lib/cni/networks/*/{ip}"
        return run_on(lab.testbed.cluster, NODE, ["sh", "-c", script], check=False).code == 0

    waiting.until(free, f"{ip} given back", patience=PATIENCE)
    assert kube.get(f"{POD}/{name}")["status"]["phase"] == "Succeeded"
