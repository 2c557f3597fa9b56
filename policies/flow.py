"""Flows, what is expected of them and what was seen: the nouns every suite shares."""

from __future__ import annotations

from dataclasses import dataclass

CONNECTED = "connected"
DENIED = "denied"  # an expectation only: any outcome that means the flow did not get through
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
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol} {host}" + (f":{self.port}" if self.port else "")


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
class Expected:
    """A flow and what it has to give.

    Attributes:
        source: who sends it: a probe's name.
        destination: whom it is for, as the matrix's column says it.
        target: where it goes.
        outcome: connected or denied.
        identities: who may answer; empty for anybody.
        sources: which source addresses the server may see; empty for any.
    """

    source: str
    destination: str
    target: Target
    outcome: str = CONNECTED
    identities: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def __str__(self) -> str:
        if self.outcome != CONNECTED:
            return self.outcome
        who = f" to {' or '.join(sorted(self.identities))}" if self.identities else ""
        seen = f" from {' or '.join(sorted(self.sources))}" if self.sources else ""
        return f"connected{who}{seen}"

    def wrong(self, seen: Observation) -> str | None:
        """Why an observation is not what is expected, in a few words; None where it is."""
        outcome = seen.outcome.partition(":")[0]
        if self.outcome == DENIED:
            stopped = None if outcome in NOT_THROUGH else seen.outcome
            return "got through" if outcome == CONNECTED else stopped
        if outcome != CONNECTED:
            return seen.outcome
        if self.identities and seen.identity and seen.identity not in self.identities:
            return "misdelivered"
        if self.sources and seen.source not in self.sources:
            return "wrong source"
        return None
