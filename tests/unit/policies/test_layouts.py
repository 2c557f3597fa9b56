"""Layouts of the base world: their pods, ports and names in a cluster."""

from __future__ import annotations

import itertools

import pytest

from policies import base_world, layouts
from policies.families import Family
from policies.histories import generate
from policies.layouts import BESIDE, STYLES, Names
from policies.validation import LONGEST_LABEL

NUMBERS = range(1, 61)


def test_the_layout_0_is_the_base_world() -> None:
    """Hand-written cases have it."""
    assert layouts.build(0) == base_world.build()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_layout_has_pods_on_every_node_and_one_of_each_kind(number: int) -> None:
    """One is terminating, one has finished, one is in the host network; names of ports are unique in a pod."""
    world = layouts.build(number)
    assert {pod.key for pod in world.pods} == {*base_world.KEYS, *BESIDE}
    assert {pod.node for pod in world.pods if pod.key in base_world.KEYS} == set(base_world.NODES)
    assert sum(pod.ending for pod in world.pods) == 1
    assert [pod.key for pod in world.pods if pod.phase == "Succeeded"] == [layouts.FINISHED]
    assert [pod.key for pod in world.pods if pod.host_network] == [layouts.ON_HOST]
    for pod in world.pods:
        assert len({(port.number, port.protocol) for port in pod.ports}) >= len(pod.ports) - 1
        named = [(port.name, port.protocol) for port in pod.ports]
        assert len(set(named)) == len(named)


def test_layouts_vary_ports_and_nodes() -> None:
    """Lists of declared ports have every length, and names stand for several numbers."""
    worlds = [layouts.build(number) for number in NUMBERS]
    ports = [port for world in worlds for pod in world.pods for port in pod.ports]
    assert {len(pod.ports) for world in worlds for pod in world.pods} == set(layouts.PORT_COUNTS)
    assert any(len({port.number for port in pod.ports}) < len(pod.ports) for world in worlds for pod in world.pods)
    assert len({port.number for port in ports if port.name == "web"}) == len(base_world.PORTS)
    assert len({tuple(pod.node for pod in world.pods) for world in worlds}) > len(NUMBERS) / 2


@pytest.mark.parametrize("style", STYLES)
def test_names_are_distinct_and_accepted(style: str) -> None:
    """Namespaces have at most 63 characters, and a node's folder NAMESPACE_NAME_UID has at most 255."""
    names = Names("netproof-w13-12", style)
    pods = [pod.key for pod in layouts.build(1).pods]
    full = [(names.namespace(key.partition("/")[0]), names.pod(key)) for key in pods]
    assert len(set(full)) == len(pods)
    for namespace, name in full:
        assert len(namespace) <= LONGEST_LABEL
        assert all(0 < len(part) <= LONGEST_LABEL for part in name.split("."))
        assert len(f"{namespace}_{name}_{'u' * 36}") <= 255
        assert name[-1].isalnum()


def test_names_have_the_same_text_when_joined_or_cut() -> None:
    """Some are alike once joined by a hyphen, some once dots are hyphens, and long ones but for their end."""
    joined, dotted, long = (Names("n", style) for style in ("joined", "dotted", "long"))
    keys = base_world.KEYS
    texts = [f"{joined.namespace(key.partition('/')[0])}-{joined.pod(key)}" for key in keys]
    assert len(set(texts)) == len(texts) // 2
    assert dotted.pod("x/a").replace(".", "-") == dotted.pod("x/b")
    assert long.pod("x/a")[:-1] == long.pod("x/b")[:-1]


def test_some_generated_histories_have_a_layout_that_lasts() -> None:
    """About one in four; all states of a history have it."""
    histories = generate(40, 3, Family.IPV4, 1)
    assert 4 <= sum(history[0].layout > 0 for history in histories) <= 20
    assert all(one.layout == other.layout for history in histories for one, other in itertools.pairwise(history))
