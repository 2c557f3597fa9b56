"""The fact that a case about a fault leaves in verdict.json, as `fault`."""

from __future__ import annotations

from typing import TypedDict


class FaultFact(TypedDict):
    """The effect of a fault on users, and the recovery from it; JSON.

    Attributes:
        id: of the fault.
        sentence: the event that it simulates.
        longest_gap: the longest outage of any continuous flow, in seconds.
        lost_datagrams: datagrams without an answer.
        broken_connections: connections that ended.
        traffic: how traffic recovered, as text.
        traffic_seconds: seconds from the injection to that; 0 if traffic was not affected or did not recover.
        state: how the broken state recovered, as text.
        state_seconds: seconds from the injection to that.
        harm: flows that were wrong when traffic was first polled.
        unseen: whether the state was back before traffic was first polled.
        marks: (seconds since the injection, event) of the timeline.
        left: differences that remained at the end.
        crashes: panics in the agents' logs.
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
