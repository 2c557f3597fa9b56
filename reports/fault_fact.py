"""The type of the fact `fault`, which cases about faults add to verdict.json."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class FlowFact(TypedDict):
    """A continuous flow during a fault.

    Attributes:
        kind: udp, tcp or connect.
        client: `namespace/name` of the pod that sends.
        server: `namespace/name` of the pod that answers.
        longest: the longest time without an answer, in seconds.
        outages: (seconds from the injection, duration in seconds) of the times without an answer.
    """

    kind: str
    client: str
    server: str
    longest: float
    outages: list[tuple[float, float]]


class FaultFact(TypedDict):
    """The effect of a fault on traffic and the recovery from it, as JSON.

    Attributes:
        id: the id of the fault.
        sentence: the event that it simulates.
        longest_gap: the longest outage of any continuous flow, in seconds.
        lost_datagrams: datagrams without an answer.
        broken_connections: connections that ended.
        traffic: how traffic recovered, as text.
        traffic_seconds: seconds from the injection to that recovery; 0 if traffic was not affected or did not recover.
        state: how the nodes' state recovered, as text.
        state_seconds: seconds from the injection to that recovery.
        harm: flows that were wrong when traffic was first polled.
        unseen: whether the state had recovered before traffic was first polled.
        marks: (seconds since the injection, event) of the timeline.
        left: differences in the nodes' state that remained at the end.
        crashes: panics in the agents' logs.
        flows: the continuous flows; runs of earlier versions have none.
        known_seconds: traffic, state → seconds within which the plugin is known to repair it without intervention;
            those without such a time are left out.
    """

    id: str
    sentence: str
    longest_gap: float
    lost_datagrams: int
    broken_connections: int
    traffic: str
    traffic_seconds: float
    state: str
    state_seconds: float
    harm: list[str]
    unseen: bool
    marks: list[tuple[float, str]]
    left: list[str]
    crashes: list[str]
    flows: NotRequired[list[FlowFact]]
    known_seconds: NotRequired[dict[str, float]]
