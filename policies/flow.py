"""Flows, their expected outcomes, and observations of them: the types that all suites share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from policies.families import family_of, in_url

CONNECTED = "connected"
DENIED = "denied"  # expected only: any outcome of a flow that does not get through
ANY = "any"  # expected only: any outcome; the flow is sent to observe it
MISDELIVERED = "misdelivered"  # why a flow is wrong: another pod answered
WRONG_SOURCE = "wrong source"  # why a flow is wrong: its server saw another address
NOT_THROUGH = ("timeout", "refused", "reset", "unreachable")


@dataclass(frozen=True)
class Target:
    """The destination of a flow.

    Attributes:
        protocol: tcp, udp, sctp or icmp.
        host: address or name.
        port: 0 for icmp.
    """

    protocol: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.protocol} {in_url(self.host)}" + (f":{self.port}" if self.port else "")


@dataclass(frozen=True)
class Observation:
    """The result of flows to one target; equal results of several rounds are one observation.

    Attributes:
        outcome: connected, timeout, refused, reset, unreachable:WHY, unresolved, unsupported, broken:WHY.
        identity: the server that answered, by its own account: namespace/name of its pod.
        source: the source address that the server saw; for icmp the address that answered.
        count: number of flows with this result.
        worst_ms: duration of the slowest of them, in milliseconds.
    """

    outcome: str
    identity: str = ""
    source: str = ""
    count: int = 1
    worst_ms: float = 0.0

    def __str__(self) -> str:
        if self.outcome != CONNECTED:
            return self.outcome
        who = f" to {self.identity}" if self.identity else ""
        return f"connected{who} from {self.source}"


@dataclass(frozen=True)
class NoServer:
    """Why a denied flow's target has no server, by design; an allowed flow beside it has to be the control."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("NoServer needs a reason: why has the target no server?")


@dataclass(frozen=True)
class Flow:
    """A flow and its expected outcome.

    Attributes:
        source: name of the probe that sends it.
        destination: name of the destination, the column of the matrix.
        target: address and port that it is sent to.
        outcome: connected, denied, or any.
        identities: servers that may answer; empty for any.
        sources: source addresses that the server may see; empty for any.
        server: the probe whose server answers, or would answer a denied flow; "" for those of `identities`.
        server_port: the port that its server listens on; 0 for the target's own. It differs behind a Service.

    Raises:
        ValueError: a denied flow names no server: a dead server would look like a denial.
    """

    source: str
    destination: str
    target: Target
    outcome: str = CONNECTED
    identities: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    server: str | NoServer = ""
    server_port: int = 0

    def __post_init__(self) -> None:
        if self.outcome == DENIED and not self.server:
            raise ValueError(
                f"{self.source} → {self.destination} ({self.target}): a denied flow names the server that would "
                "answer, or NoServer with the reason why there is none."
            )

    def __str__(self) -> str:
        if self.outcome != CONNECTED:
            return self.outcome
        who = f" to {' or '.join(sorted(self.identities))}" if self.identities else ""
        seen = f" from {' or '.join(sorted(self.sources))}" if self.sources else ""
        return f"connected{who}{seen}"

    @cached_property
    def servers(self) -> frozenset[str]:
        """The probes whose servers have to work, or the outcome proves nothing about the network."""
        if isinstance(self.server, NoServer):
            return frozenset()
        return frozenset({self.server}) if self.server else self.identities

    @cached_property
    def control(self) -> Target:
        """The target of the control: each of its servers on its own loopback interface."""
        return Target(self.target.protocol, family_of(self.target.host).loopback, self.server_port or self.target.port)

    def wrong(self, seen: Observation) -> str | None:
        """Why an observation is unexpected, in a few words; None if it is as expected."""
        outcome = seen.outcome.partition(":")[0]
        if self.outcome == ANY:
            return None
        if self.outcome == DENIED:
            stopped = None if outcome in NOT_THROUGH else seen.outcome
            return "got through" if outcome == CONNECTED else stopped
        if outcome != CONNECTED:
            return seen.outcome
        if self.identities and seen.identity and seen.identity not in self.identities:
            return MISDELIVERED
        if self.sources and seen.source not in self.sources:
            return WRONG_SOURCE
        return None


def of_time(why: str) -> bool:
    """Whether a late answer or a late change of state may explain a flow that is wrong in this way."""
    return why == "got through" or why.partition(":")[0] in NOT_THROUGH
