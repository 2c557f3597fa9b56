"""Shapes of a state, however it is reached: long lists, numbers at edges, entries and policies that are alike.

As for single edits, a world has a shape only if it matters: the oracle decides some flow otherwise without it.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from policies import stretching, twins
from policies.aspects import LISTS, Aspect, addresses_of, filled
from policies.edits import PutPolicy, RelabelNamespace, RelabelPod
from policies.families import shared_bits
from policies.model import EGRESS, EVERYTHING, INGRESS, IpBlock, PodPeer, Policy, PortRule, Rule, Selector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.aspects import Changes, Worlds
    from policies.model import Labels, World


def _long_list(changes: Changes, world: World, kind: str) -> Iterator[Worlds]:
    """A list is long, and its last entry matters."""
    return filled(changes, world, kind, lambda: stretching.Filling(changes.random.choice(stretching.LENGTHS)))


def _nested_exceptions(changes: Changes, world: World, order: str) -> Iterator[Worlds]:
    """A block of all addresses has two exceptions of one address, and the wider one matters."""
    pairs = []
    bits, everything = changes.family.bits, changes.family.everything
    for policy in world.policies:
        for direction in sorted(policy.types):
            for address in addresses_of(changes.family):
                number = int(ip_address(address))
                zeros = (number & -number).bit_length() - 1  # so that both are written with the same address
                cuts = [f"{address}/{bits}", f"{address}/{bits - max(1, zeros)}"]
                cuts = cuts[::-1] if order == "wide first" else cuts
                narrow = IpBlock(everything, (f"{address}/{bits}",))
                worlds = (
                    PutPolicy(stretching.with_rules(policy, direction, (Rule((block,)),)))(world)
                    for block in (narrow, replace(narrow, exceptions=tuple(cuts)))
                )
                pairs.append((next(worlds), next(worlds)))
    return changes.shuffled(pairs)


def _number_at_edge(changes: Changes, world: World, kind: str) -> Iterator[Worlds]:
    """A block, or an exception, has the longest prefix with which an address is in it; with one bit less, two are."""
    choices, addresses = [], addresses_of(changes.family)
    for policy in world.policies:
        for direction in sorted(policy.types):
            for address in addresses:
                for other in addresses:
                    edge = shared_bits(address, other) + 1
                    if edge <= changes.family.bits:
                        cidrs = [f"{address}/{length}" for length in (edge - 1, edge) if length or kind == "block"]
                        blocks = [
                            IpBlock(cidr) if kind == "block" else IpBlock(changes.family.everything, (cidr,))
                            for cidr in cidrs
                        ]
                        with_block = (stretching.with_rules(policy, direction, (Rule((block,)),)) for block in blocks)
                        choices.append(tuple(PutPolicy(new)(world) for new in with_block))
    return changes.shuffled([worlds for worlds in choices if len(worlds) > 1])


def _named_port(changes: Changes, world: World, _: str) -> Iterator[Worlds]:
    """Pods are isolated but for a port that one of them declares."""
    choices = []
    for pod in world.pods:
        for port in pod.ports:
            rule = Rule((), (PortRule(port.protocol, port.name),))
            for direction, space in ((INGRESS, pod.namespace), (EGRESS, changes.random.choice(world.namespaces).name)):
                closed = Policy(space, "named", types=frozenset({direction}))
                opened = stretching.with_rules(closed, direction, (rule,))
                if port.name:
                    choices.append((PutPolicy(closed)(world), PutPolicy(opened)(world)))
    return changes.shuffled(choices)


def _many_policies(changes: Changes, world: World, _: str) -> Iterator[Worlds]:
    """Many policies select the same pods; the last one matters, by its age and half the time by its name."""
    pairs = []
    for policy in world.policies:
        numbers = range(1, changes.random.choice(stretching.LENGTHS))
        more = (Policy(policy.namespace, f"f{number:02}", policy.subject, policy.types) for number in numbers)
        without = world.with_policies(*(other for other in world.policies if other is not policy), *more)
        pairs.append((without, PutPolicy(replace(policy, name=changes.random.choice(("e", "g"))))(without)))
    return changes.shuffled(pairs)


def _some_labels(changes: Changes) -> Labels:
    """A long list of labels; the last one by its key differs."""
    return (("last", "v"), *stretching.many_labels(changes.random.choice(stretching.LENGTHS) - 1))


def _lacking_one(changes: Changes, own: Labels, some: Labels) -> Labels:
    """Labels with all of some but one."""
    lacking = changes.random.choice(some)
    return tuple(sorted({**dict(own), **dict(label for label in some if label != lacking)}.items()))


def _many_labels_of_a_pod(changes: Changes, world: World, _: str) -> Iterator[Worlds]:
    """A policy selects a pod by many labels; the others of its namespace lack one of them."""
    random, some = changes.random, _some_labels(changes)
    pod = random.choice(world.pods)
    without = RelabelPod(pod.key, tuple(sorted({**dict(pod.labels), **dict(some)}.items())))(world)
    for other in world.pods:
        if other.namespace == pod.namespace and other is not pod:
            without = RelabelPod(other.key, _lacking_one(changes, other.labels, some))(without)
    policy = Policy(pod.namespace, random.choice(("p", "z")), Selector(tuple(sorted(some))))
    yield without, PutPolicy(policy)(without)


def _many_labels_of_a_namespace(changes: Changes, world: World, _: str) -> Iterator[Worlds]:
    """A rule selects a namespace by many labels; the others lack one of them."""
    random, some = changes.random, _some_labels(changes)
    chosen = random.choice(world.namespaces)
    without = RelabelNamespace(chosen.name, tuple(sorted({**dict(chosen.labels), **dict(some)}.items())))(world)
    for other in world.namespaces:
        if other is not chosen:
            without = RelabelNamespace(other.name, _lacking_one(changes, other.labels, some))(without)
    closed = Policy(
        random.choice(world.namespaces).name, "labels", types=frozenset({random.choice((INGRESS, EGRESS))})
    )
    rule = Rule((PodPeer(Selector(tuple(sorted(some)))),))
    yield PutPolicy(closed)(without), PutPolicy(replace(closed, ingress=(rule,), egress=(rule,)))(without)


def _same_rules(changes: Changes, world: World, _: str) -> Iterator[Worlds]:
    """Two policies have the same rules."""
    pairs = []
    subjects = [EVERYTHING, *(policy.subject for policy in world.policies)]
    for policy in world.policies:
        for space in world.namespaces:
            same = replace(policy, namespace=space.name, name="same", subject=changes.random.choice(subjects))
            pairs.append((world, PutPolicy(same)(world)))
    return changes.shuffled(pairs)


def _twins_in_a_list(changes: Changes, world: World, kind: str) -> Iterator[Worlds]:
    """A list has two entries that differ in one field; the first, the second, or each of them matters."""
    tweaks, puts = changes.of_policies(world), []
    for policy in world.policies:
        for first, second, both in twins.of_list(policy, kind, tweaks, changes.random):
            compared = changes.random.choice(((first,), (second,), (first, second)))
            puts.append([PutPolicy(one) for one in (*compared, both)])
    return changes.shuffled([tuple(put(world) for put in some) for some in puts])


def _twin_policies(changes: Changes, world: World, _: str) -> Iterator[Worlds]:
    """Two policies differ in one field, or in their namespaces."""
    tweaks, choices = changes.of_policies(world), []
    for policy in world.policies:
        rest = world.with_policies(*(other for other in world.policies if other is not policy))
        by_field: dict[str, list[Policy]] = {}
        for field, new in tweaks.policy(policy):
            by_field.setdefault(field, []).append(new)
        for some in by_field.values():
            twin = replace(changes.random.choice(some), name="twin")
            choices.append((world, PutPolicy(twin)(rest), PutPolicy(twin)(world)))
        for space in world.namespaces:
            twin = replace(policy, name="twin", namespace=space.name)
            choices.append((world, PutPolicy(twin)(rest), PutPolicy(twin)(world)))
    return changes.shuffled(choices)


NAMED_PORT = Aspect("ports", _named_port)
SHAPES = (  # of a state, however it is reached
    *(Aspect(kind, _long_list) for kind in LISTS),
    *(Aspect(order, _nested_exceptions) for order in ("wide first", "narrow first")),
    *(Aspect(kind, _number_at_edge) for kind in ("block", "exception")),
    NAMED_PORT,
    Aspect("policies", _many_policies),
    Aspect("labels", _many_labels_of_a_pod),
    Aspect("labels", _many_labels_of_a_namespace),
    Aspect("rules", _same_rules),
    *(Aspect(kind, _twins_in_a_list) for kind in ("rules", "expressions", *3 * ("peers",), *4 * ("ports",))),
    *2 * (Aspect("policies", _twin_policies),),
)
