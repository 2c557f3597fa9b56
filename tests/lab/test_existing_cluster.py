"""--cluster kubeconfig: an existing cluster is certified, or the run says why not, and is left as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from fixtures import paths, waiting
from fixtures.clusters.existing import checks, shape, shells
from fixtures.clusters.existing.handle import ExistingHandle
from fixtures.clusters.protocol import NODE_COMMANDS, CommandError, CommandResult, run_on
from fixtures.clusters.topology import Topology
from fixtures.errors import MachineLacks, UsageError
from fixtures.faults import journal
from fixtures.kube.client import Kube, load
from fixtures.probes import namespaces as own_namespaces
from fixtures.probes import pods as probe_pods
from fixtures.providers.existing import PODS_PATIENCE
from tests.support.open_lab import opened
from tests.support.run import RunResult, pytest_suites

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

ACCOUNT = "/api/v1/namespaces/kube-system/serviceaccounts/narrow"
SOME = "D01,D03,D50,D65,D66"


@pytest.fixture(scope="module")
def existing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a cluster with a network and nothing of ours."""
    with opened(tmp_path_factory.mktemp("existing"), cni="bridge", nodes=2) as lab:
        lab.testbed.forget_probers()
        own_namespaces.remove(lab.testbed.kube)
        yield lab.testbed.cluster.kubeconfig


def run(kubeconfig: Path, out: Path, *arguments: str) -> RunResult:
    """The suites on that cluster."""
    where = ["--cluster", "kubeconfig", "--kubeconfig", str(kubeconfig), "--cni", "bridge", "--out", str(out)]
    return pytest_suites(*where, "--no-page", *arguments)


def namespaces(kubeconfig: Path) -> list[str]:
    """The names of all namespaces."""
    return [row["metadata"]["name"] for row in Kube(kubeconfig).every("namespaces")]


def test_it_is_certified_and_left_as_it_was(existing: Path, tmp_path: Path) -> None:
    """What needs no node is checked, the rest is unsupported, and no namespace of ours stays."""
    before = namespaces(existing)
    ended = run(existing, tmp_path / "out", "--only", SOME)
    document = json.loads((tmp_path / "out" / "verdict.json").read_text())
    found = {row["id"]: row["verdict"] for row in document["requirements"]}
    assert found == dict.fromkeys(SOME.split(","), "passed") | {"D50": "unsupported"}, ended.output[-3000:]
    assert document["cluster"]["provider"] == "kubeconfig"
    assert document["cluster"]["coverage"] == "2 of 2 nodes, 2 of 2 node pairs"
    assert namespaces(existing) == before


def test_nodes_are_looked_at_where_the_user_allows_it(existing: Path, tmp_path: Path) -> None:
    """--allow-node-commands gives the cases that read a node's kernel their verdict, and leaves nothing either."""
    before = namespaces(existing)
    ended = run(existing, tmp_path / "out", "--allow-node-commands", "--only", f"{SOME},D59")
    document = json.loads((tmp_path / "out" / "verdict.json").read_text())
    found = {row["id"]: row["verdict"] for row in document["requirements"]}
    assert found == dict.fromkeys([*SOME.split(","), "D59"], "passed"), ended.output[-3000:]
    assert namespaces(existing) == before


def test_a_command_on_a_node_answers_as_in_a_lab(existing: Path) -> None:
    """Output, errors and exit code of a command come back by the API; a host that is no node is refused."""
    kube = Kube(existing)
    found = shape.read(kube.nodes(), Topology(2), checks.api_addresses(kube))
    handle = ExistingHandle(existing, found, {}, (NODE_COMMANDS,))
    try:
        shells.start(kube, found.node_names, PODS_PATIENCE)
        done = run_on(handle, "node2", ["sh", "-c", "hostname; echo no >&2; exit 7"], check=False)
        assert done == CommandResult(7, "node2\n", "no\n")
        with pytest.raises(CommandError, match="`false` on node1 failed with exit code 1"):
            run_on(handle, "node1", ["false"])
        with pytest.raises(UsageError, match="A command on outside"):
            run_on(handle, "outside", ["true"])
    finally:
        own_namespaces.remove(kube)


def test_nodes_are_broken_only_where_the_user_allows_it(existing: Path, tmp_path: Path) -> None:
    """Without --allow-faults a fault is unsupported; with it, it is injected, seen, and undone."""
    where = ["--cluster", "kubeconfig", "--kubeconfig", str(existing), "--cni", "bridge"]
    command = [sys.executable, "-m", "pytest", "-q", "suites/chaos", *where, "--only", "F45", "--no-page"]
    for option, verdict in (("--allow-node-commands", "unsupported"), ("--allow-faults", "passed")):
        out = tmp_path / option.strip("-")
        done = subprocess.run(
            [*command, option, "--out", str(out)], cwd=paths.ROOT, capture_output=True, text=True, check=False
        )
        (row,) = json.loads((out / "verdict.json").read_text())["requirements"]
        assert row["verdict"] == verdict, done.stdout[-3000:]
    events = [json.loads(line)["event"] for line in (out / journal.NAME).read_text().splitlines()]
    assert events == ["injecting", "healed"]


def test_a_rehearsal_creates_nothing(existing: Path, tmp_path: Path) -> None:
    """--dry-run says what would be created, on which nodes, from which image."""
    before = namespaces(existing)
    ended = run(existing, tmp_path / "out", "--dry-run", "--nodes", "1", "--probe-image", "somewhere/python:3")
    assert ended.code == 0
    assert "On 1 of 2 nodes, 0 of 2 node pairs (node1):" in ended.output
    assert "5 pods of somewhere/python:3" in ended.output
    assert namespaces(existing) == before


def test_what_a_killed_run_left_is_refused_and_cleaned(existing: Path, tmp_path: Path) -> None:
    """After kill -9 the next run says what is there, and `nox -s clean` removes it and nothing else."""
    before = namespaces(existing)
    kube = Kube(existing)
    suite = [sys.executable, "-m", "pytest", "-q", "suites/datapath", "--cluster", "kubeconfig", "--cni", "bridge"]
    command = [*suite, "--kubeconfig", str(existing), "--out", str(tmp_path / "killed"), "--no-page"]
    killed = subprocess.Popen(command, cwd=paths.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    waiting.until(lambda: len(own_namespaces.ours(kube)) > 1, "the run at work", patience=30)
    killed.kill()
    killed.wait()

    ended = run(existing, tmp_path / "refused")
    assert ended.code == MachineLacks.exit_code
    assert "The cluster has namespaces of another netproof run" in ended.output
    assert f"nox -s clean -- --kubeconfig {existing}" in ended.output
    cleaned = [sys.executable, "-m", "fixtures.commands.clean", "--kubeconfig", str(existing)]
    said = subprocess.run(cleaned, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    assert f"({probe_pods.LABEL}=testbed" in said
    assert namespaces(existing) == before


def with_token(kubeconfig: Path, token: str, path: Path) -> Path:
    """A kubeconfig for the same API with a token in the place of whatever it had."""
    document = yaml.safe_load(kubeconfig.read_text())
    for user in document["users"]:
        user["user"] = {"token": token}
    path.write_text(yaml.safe_dump(document))
    return path


def test_rights_that_are_too_narrow_are_named(existing: Path, tmp_path: Path) -> None:
    """An account that may read nodes only is told all that it may not, before anything is created."""
    kube = Kube(existing)
    kube.apply(
        [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "narrow", "namespace": "kube-system"}}]
    )
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = kube.request("POST", f"{ACCOUNT}/token", body)["status"]["token"]
    ended = run(with_token(existing, token, tmp_path / "narrow"), tmp_path / "out")
    assert ended.code == MachineLacks.exit_code
    assert "may not list nodes, create namespaces, " in ended.output
    assert "create pods/exec" in ended.output


def test_credentials_that_are_refused_are_named(existing: Path, tmp_path: Path) -> None:
    """A token that the API does not know ends the run with one sentence."""
    ended = run(with_token(existing, "nonsense", tmp_path / "expired"), tmp_path / "out")
    assert ended.code == MachineLacks.exit_code
    assert "rejects the credentials" in ended.output


REGISTRY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: own-registry}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
    - expression: object.spec.containers.all(one, one.image.startsWith("own.invalid/"))
      message: images come from own.invalid only
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: own-registry}
spec: {policyName: own-registry, validationActions: [Deny]}
"""


def test_a_registry_that_is_required_is_named(existing: Path, tmp_path: Path) -> None:
    """Where admission takes images of one registry only, that is said before anything is created; theirs is taken."""
    before = namespaces(existing)
    kube, policy = Kube(existing), load(REGISTRY, "the test")
    kube.apply(policy)
    try:
        waiting.until(lambda: refuses(kube), "the policy at work", patience=30)
        ended = run(existing, tmp_path / "out", "--only", "D01")
        assert ended.code == MachineLacks.exit_code
        assert "The cluster would reject a probe pod: " in ended.output
        assert "images come from own.invalid only" in ended.output
        assert "--probe-image" in ended.output
        taken = run(existing, tmp_path / "dry", "--dry-run", "--probe-image", "own.invalid/python:3")
        assert taken.code == 0, taken.output
    finally:
        for one in reversed(policy):
            kube.delete(one)
    assert namespaces(existing) == before


def refuses(kube: Kube) -> bool:
    """Whether the API takes no pod of ours any more."""
    try:
        checks.require_pods(kube, "node1")
    except MachineLacks:
        return True
    return False


QUOTAS = """
apiVersion: v1
kind: Namespace
metadata: {name: NAME}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: small, namespace: NAME}
spec: {hard: {pods: "3", requests.cpu: "1", limits.memory: 1Gi}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, namespace: NAME}
spec: {limits: [{type: Container, default: {memory: 16Mi}}]}
"""


def test_quotas_that_every_namespace_gets_are_told_beforehand(existing: Path, tmp_path: Path) -> None:
    """What most namespaces have is named with what it would do to probe pods; what one team has is not."""
    kube = Kube(existing)
    made = {name: load(QUOTAS.replace("NAME", name), "the test") for name in ("team-a", "team-b", "other")}
    try:
        kube.apply(made["team-a"])
        kube.apply([made["other"][0]])
        assert "ResourceQuota" not in run(existing, tmp_path / "one", "--dry-run").output
        kube.apply(made["team-b"])
        said = run(existing, tmp_path / "two", "--dry-run").output
    finally:
        for objects in made.values():
            kube.delete(objects[0])
        for objects in made.values():
            kube.wait_until_gone(objects[0], patience=60)
    start = "Most namespaces have the"
    assert (
        f"{start} ResourceQuota small, and those of netproof may get it: it allows 3 pods, and a run has 4 and more"
        in said
    )
    assert (
        f"{start} ResourceQuota small, and those of netproof may get it: it requires requests.cpu of every container"
        in said
    )
    assert (
        f"{start} LimitRange defaults, and those of netproof may get it: it limits containers to 16Mi of memory"
        in said
    )
