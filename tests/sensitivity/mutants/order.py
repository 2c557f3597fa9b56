"""Mutants of an agent beside other programs: kube-proxy, the node's own traffic, the API server at its start."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.cnis.reference.engine import __main__ as engine
from fixtures.cnis.reference.engine import rules
from tests.sensitivity.mutants.registry import mutant
from tests.sensitivity.mutants.shared import DROP_ALL, OPEN_ALL, RUN, SAVED, beside_the_agent, nft, write_again

if TYPE_CHECKING:
    from collections.abc import Callable

FORWARD, RULESET = rules.forward_chain, rules.ruleset
EVERY = 0.2  # seconds between two looks
REACHED = 1.0  # seconds for a connection to the API server


def _process(program: str) -> str:
    """The PID of a program on this node; "" if it does not run."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - PIDs
        if name.isdigit():
            try:
                if Path(f"/proc/{name}/comm").read_text().strip() == program:
                    return name
            except OSError:
                continue
    return ""


@mutant("M093")
def before_the_proxy() -> None:
    """Once kube-proxy was started again, connections are judged before it has translated their addresses."""

    def early(networks: list[str], dispatch: list[str]) -> list[str]:
        hook = "type filter hook prerouting priority -150; policy accept;"
        lines = [line for line in FORWARD(networks, dispatch) if "@known" not in line]
        return [hook if "hook forward" in line else line for line in lines]

    def moved(self: engine.Agent) -> None:
        rules.forward_chain = early
        self.changes.put(("pods", lambda: None))

    _once_started_again("kube-proxy", moved)


def _once_started_again(program: str, do: Callable[[engine.Agent], None]) -> None:
    """Let the agent do something whenever a program of its node was started again."""

    def supervise(self: engine.Agent) -> None:
        last = _process(program)
        while True:
            time.sleep(EVERY)
            if (now := _process(program)) and now != last:
                if last:
                    do(self)
                last = now

    beside_the_agent(supervise)


@mutant("M185")
def network_replaced() -> None:
    """Once the network's agent was started again, the rules are gone for a second."""

    def gone(self: engine.Agent) -> None:
        nft(OPEN_ALL)
        time.sleep(1.0)
        write_again(self)

    _once_started_again("flanneld", gone)


@mutant("M184")
def older_rules_stay() -> None:
    """The rules of an earlier process stay beside those of this one, as if an older version had left them."""
    found = subprocess.run(["nft", "list", "table", "inet", rules.TABLE], capture_output=True, text=True, check=False)
    if found.returncode == 0 and SAVED.exists():
        older = found.stdout.replace(f"table inet {rules.TABLE}", f"table inet {rules.TABLE}_older")
        nft(older)
    SAVED.write_text("[]")


@mutant("M104")
def own_node_forgotten() -> None:
    """An agent that is started again does not know its node's addresses, and drops the node's own traffic to pods."""
    if SAVED.exists():
        lines = ["  chain output { type filter hook output priority -10;", "ct state established accept"]
        drop = [f"ip daddr @known4 {protocol} dport {{ 80, 81, 82 }} drop" for protocol in ("tcp", "udp")]

        def ruleset(*arguments: object) -> str:
            body, brace, end = RULESET(*arguments).rpartition("}")  # type: ignore[arg-type]
            return body + "\n    ".join([*lines, *drop]) + "\n  }\n" + brace + end

        rules.ruleset = ruleset
    SAVED.write_text("[]")


@mutant("M148")
def degraded_start() -> None:
    """An agent that starts without the API server drops everything until it has listed all objects."""

    def run(self: engine.Agent) -> None:
        try:
            socket.create_connection((self.api.host, self.api.port), REACHED).close()
        except OSError:
            nft(DROP_ALL)
        RUN(self)

    engine.Agent.run = run


@mutant("M097")
def second_query_lost() -> None:
    """Of two datagrams to a DNS server from one port within a second, the second is lost."""
    meter = "meter pairs { ip saddr . udp sport timeout 1s limit rate over 1/second burst 1 packets }"

    def forward(networks: list[str], dispatch: list[str]) -> list[str]:
        head, hook, *rest = FORWARD(networks, dispatch)
        return [head, hook, f"    udp dport 53 {meter} drop", *rest]

    rules.forward_chain = forward
