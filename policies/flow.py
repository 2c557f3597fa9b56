"""Flows, what is expected of them and what was seen: the nouns every suite shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from policies.families import family_of, in_url

CONNECTED = "connected"
DENIED = "denied"  # an expectation only: any outcome that means the flow did not get through
ANY = "any"  # an expectation only: the flow is sent to see what it gives
MISDELIVERED = "misdelivered"  # why a flow is wrong: somebody else answered
WRONG_SOURCE = "wrong source"  # why a flow is wrong: its server saw another address
NOT_THROUGH = ("timeout", "refused", "reset", "unreachable")


@dataclass(frozen=True)
class Target:
    """Where a flow goes.

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
    """What flows to one target gave; equal ones of several rounds are one observation.

    Attributes:
        outcome: connected, timeout, refused, reset, unreachable:WHY, unresolved, unsupported, broken:WHY.
        identity: who answered, as the server says: the pod's namespace/name.
        source: the address the server saw; for icmp the address that answered.
        count: how many flows gave this.
        worst_ms: the slowest of them, in milliseconds.
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
    """Why nobody serves a denied flow's target, by design; then an allowed flow beside it has to be the control."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("NoServer needs a reason: why does nobody serve the target?")


@dataclass(frozen=True)
class Flow:
    """A flow and what it has to give.

    Attributes:
        source: who sends it: a probe's name.
        destination: whom it is for, as the matrix's column says it.
        target: where it goes.
        outcome: connected, denied, or any.
        identities: who may answer; empty for anybody.
        sources: which source addresses the server may see; empty for any.
        server: the probe whose server answers, or would answer a denied flow; "" for those of `identities`.
        server_port: the port its server listens on, where that is not the target's: behind a Service; 0 for the same.

    Raises:
        ValueError: a denied flow names no server: one that has died would pass for a denial.
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
        """The probes whose servers have to work for the outcome to say anything about the network."""
        if isinstance(self.server, NoServer):
            return frozenset()
        return frozenset({self.server}) if self.server else self.identities

    @cached_property
    def control(self) -> Target:
        """Where each of its servers is asked on its own host, with no network between."""
        return Target(self.target.protocol, family_of(self.target.host).loopback, self.server_port or self.target.port)

    def wrong(self, seen: Observation) -> str | None:
        """Why an observation is not what is expected, in a few words; None where it is."""
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
    """Whether a flow may be wrong in this way because something came late: an answer, or a change that it follows."""
    return why == "got through" or why.partition(":")[0] in NOT_THROUGH
