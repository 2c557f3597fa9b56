"""A minimal provider without a cluster; `-p tests.support.toy` registers it in a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import yaml
from msgspec import Struct

from fixtures.clusters.protocol import CommandResult
from fixtures.clusters.topology import Topology
from fixtures.errors import NetproofError, UsageError
from fixtures.needs import Need
from fixtures.providers.protocol import Plan, Provider
from fixtures.providers.registry import PROVIDERS, Entry
from fixtures.run import options
from fixtures.run.options import Option, option
from fixtures.testbed.testbed import Testbed

if TYPE_CHECKING:
    import pytest

NAME = "toy"
ENTRY = Entry("tests.support.toy", "ToyProvider", "nothing at all")
CONFIG = {
    "current-context": NAME,
    "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
    "clusters": [{"name": NAME, "cluster": {"server": "https://192.0.2.1"}}],
    "users": [{"name": NAME, "user": {"token": "none"}}],
}


class ToyCluster(Struct, frozen=True):
    """A cluster whose commands print themselves; it is alive as long as a file exists."""

    kubeconfig: Path
    topology: Topology

    provider = NAME
    images: ClassVar[dict[str, str]] = {}
    capabilities: ClassVar[frozenset[Need]] = frozenset()
    dns_manifest = None

    @property
    def sign(self) -> Path:
        """The file that exists while the cluster is alive."""
        return self.kubeconfig.with_name("alive")

    def run(self, host: str, command: list[str], patience: float) -> CommandResult:  # noqa: ARG002 - the protocol's
        """Return the host and the command as output."""
        return CommandResult(0, f"{host}: {' '.join(command)}", "")

    def agent(self, host: str, *arguments: str) -> list[str]:
        """Return a command that does nothing."""
        return ["true", host, *arguments]

    def alive(self) -> bool:
        """Return whether the cluster is alive."""
        return self.sign.exists()

    def processes(self) -> None:
        """Return None: the cluster has no processes."""


def word_of(text: str) -> str:
    """Check the value of --toy-word.

    Raises:
        UsageError: it has characters other than letters.
    """
    if not text.isalpha():
        raise UsageError(f"--toy-word {text!r}: give letters only.")
    return text


@dataclass(frozen=True)
class ToyOptions:
    """Options of the provider.

    Attributes:
        word: part of the plan; "fail" makes `create` fail, "die" ends the cluster while it comes up.
    """

    word: str = option(Option("--toy-word", "a word (hello)", default="hello"), word_of)


class ToyProvider(Provider[ToyOptions]):
    """Writes a kubeconfig and the file that stands for a running cluster."""

    name = NAME
    shared = (options.CNI, options.NODES)
    own_options = ToyOptions
    handle = ToyCluster

    cluster: ToyCluster | None = None

    def check(self) -> Plan:
        """Return a plan without any check."""
        return Plan((f"{self.own.word}, with {self.settings.cni}",), ("it may be of no use",), "All of it goes.")

    def create(self) -> Testbed:
        """Write the files.

        Raises:
            NetproofError: the word is "fail" or "die".
        """
        self.cluster = ToyCluster(self.settings.out / "kubeconfig", self.settings.topology)
        self.cluster.kubeconfig.write_text(yaml.safe_dump(CONFIG))
        if self.own.word != "die":
            self.cluster.sign.touch()
        if self.own.word in {"die", "fail"}:
            raise NetproofError("No pod answers.")
        return Testbed.of(self.cluster, self.settings.cni, ())

    def failure(self, grace: float = 0.0) -> str | None:  # noqa: ARG002 - there is nothing to wait for
        """Return the reason why the cluster ended, or None."""
        return "the toy ended." if self.cluster and not self.cluster.alive() else None

    def down(self) -> None:
        """Remove the files."""
        if self.cluster:
            self.cluster.kubeconfig.unlink()
            self.cluster.sign.unlink(missing_ok=True)
            self.cluster = None


def pytest_addoption(parser: pytest.Parser) -> None:  # noqa: ARG001 - pytest's
    """Register the provider before options are created from the registry."""
    PROVIDERS.setdefault(NAME, ENTRY)
