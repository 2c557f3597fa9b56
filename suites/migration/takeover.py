"""A migration between plugins, with the reachability of pods and their addresses on the way."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fixtures import waiting
from fixtures.cnis import install, replacing
from fixtures.probes import judging
from fixtures.probes import pods as probe_pods
from fixtures.probes.flows import to_pod
from fixtures.probes.pods import PORTS, PodPlan
from fixtures.testbed.testbed import plans, wait_until_all_answer
from fixtures.waiting import NeverHappenedError
from reports.outcome import Inconclusive, Refuted
from suites.support.policies import with_probers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fixtures.cnis.plugin import Plugin
    from fixtures.probes.judging import Answers, Judged
    from fixtures.probes.pods import ProbePod
    from fixtures.testbed.testbed import Testbed
    from policies.flow import Flow
    from policies.matrix import Wrong

NAMESPACE = "netproof-later"  # of pods that are created during the migration
PATIENCE = 60.0  # seconds until reachability is stable; our patience, and at the end the requirement of K09 and K10
POD_PATIENCE = 60.0  # seconds until a pod that is created meanwhile starts; our patience, it takes about one


@dataclass
class Takeover:
    """One migration.

    Attributes:
        testbed: the cluster.
        later: pods that were created during it.
        lines: the log for the report.
    """

    testbed: Testbed
    later: list[ProbePod] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def swap(self, old: Plugin, new: Plugin, stale_node: str) -> None:
        """Replace a plugin by another one.

        Args:
            old: the plugin to delete, with its configuration on the nodes.
            new: the plugin to install.
            stale_node: the node that keeps the old configuration; "" for none.

        Raises:
            Refuted: the new plugin does not come up.
        """
        cluster, kube = self.testbed.cluster, self.testbed.kube
        files = {node: replacing.configurations(cluster, node) for node in self.testbed.nodes}
        replacing.uninstall(kube, old.cni, old.objects)
        for node in self.testbed.nodes:
            if node != stale_node:
                replacing.remove_configurations(cluster, node, files[node])
        kube.apply(new.objects)
        try:
            install.wait_until_works(cluster, kube, new.cni)
        except NeverHappenedError as error:
            raise Refuted(f"{new.cni} does not come up in place of {old.cni}: {error}", error.during) from error
        self.lines.append(
            f"{old.cni} deleted, its configuration removed on all nodes{_but(stale_node)}, {new.cni} installed."
        )
        if stale_node:
            first = replacing.configurations(cluster, stale_node)[0]
            self.lines.append(f"On {stale_node} the configuration in effect, the first by name, is {first}.")

    def create_later_pods(self, nodes: Iterable[str], name: str) -> None:
        """Create two pods on each of these nodes, to try the new plugin."""
        planned = [PodPlan(NAMESPACE, f"{name}-{letter}-{node}", node) for node in nodes for letter in ("a", "b")]
        probe_pods.apply(self.testbed.kube, planned)
        for plan in planned:
            try:
                self.later += probe_pods.wait_ready(self.testbed.kube, [(plan.namespace, plan.name)], POD_PATIENCE)
            except NeverHappenedError as error:
                self.lines.append(f"A pod does not start: {error}")

    def log_reachability(self, when: str) -> None:
        """Log the stable reachability of pods, counted by their age and node, whatever it is."""
        with with_probers(self.testbed, *self.later) as probers:
            batch = judging.Batch(probers, self._flows())
            last = judging.Answers()

            def probe() -> set[Flow | str]:
                nonlocal last
                last = batch.ask()
                return {*last.dead, *(row.expected for row in last.found)}

            try:
                waiting.unchanging(probe, f"nothing changing {when}", patience=PATIENCE)
            except NeverHappenedError as error:
                self.lines.append(f"{error} The last result follows.")
        self._log(when, batch.flows, last)

    def settled_reachability(self, when: str) -> Judged:
        """Log the reachability of pods, and return it: right twice in a row, or wrong when patience ends."""
        with with_probers(self.testbed, *self.later) as probers:
            batch = judging.Batch(probers, self._flows())
            judged = judging.settle(batch, patience=PATIENCE)
        self._log(when, batch.flows, judged)
        return judged

    def _flows(self) -> list[Flow]:
        pods = [*self.testbed.pods.values(), *self.later]
        return [
            to_pod(client.key, server, "tcp", PORTS[0], family)
            for family in self.testbed.topology.families
            for client, server in itertools.permutations(pods, 2)
        ]

    def _log(self, when: str, flows: Sequence[Flow], seen: Answers) -> None:
        if seen.unknown:
            raise Inconclusive(f"probe servers do not answer on their own hosts: {'; '.join(seen.dead)}")
        self.lines.append(f"\n{when}:")
        self.lines += self._counted(flows, seen.wrong) + [f"  {line}" for line in (*seen.dead, *self.shared())]

    def _counted(self, flows: Sequence[Flow], wrong: Sequence[Wrong]) -> list[str]:
        late = {pod.key for pod in self.later}
        node = {pod.key: pod.node for pod in (*self.testbed.pods.values(), *self.later)}
        all_of, right, why = Counter[str](), Counter[str](), defaultdict[str, Counter[str]](Counter)
        bad = {row.expected: row.why for row in wrong}
        for flow in flows:
            ends = (flow.source, flow.destination)
            ages = " to ".join("a later pod" if key in late else "an earlier pod" for key in ends)
            kind = f"{ages}, {'same node' if len({node[key] for key in ends}) == 1 else 'other node'}"
            all_of[kind] += 1
            right[kind] += flow not in bad
            if flow in bad:
                why[kind][bad[flow]] += 1
        return [
            f"  {kind}: {right[kind]} of {count} flows right"
            + (f" ({', '.join(f'{number} {word}' for word, number in why[kind].items())})" if why[kind] else "")
            for kind, count in sorted(all_of.items())
        ]

    def shared(self) -> list[str]:
        """Addresses that more than one pod has."""
        owners = defaultdict(list)
        for pod in (*self.testbed.pods.values(), *self.later):
            for address in pod.ips:
                owners[address].append(pod.key)
        return [f"{ip} belongs to {' and '.join(keys)}" for ip, keys in sorted(owners.items()) if len(keys) > 1]

    def recreate_pods(self) -> None:
        """Recreate every pod, so that the current plugin sets up its network.

        Raises:
            Refuted: a pod does not end, or does not start.
            Inconclusive: a server does not answer on its own host.
        """
        testbed = self.testbed
        testbed.forget_probers()
        planned = [plan for plan in plans(testbed.nodes, captures=True) if not plan.host_network]
        try:
            self.clear()
            probe_pods.remove(testbed.kube, planned)
            pods = probe_pods.create(testbed.kube, planned)
        except NeverHappenedError as error:
            raise Refuted(f"pods cannot be created again: {error}", error.during) from error
        testbed.pods.clear()
        testbed.pods |= {pod.key: pod for pod in pods}
        try:
            wait_until_all_answer(testbed)
        except NeverHappenedError as error:
            raise Inconclusive(str(error)) from error
        self.lines.append("Every pod was recreated.")

    def clear(self) -> None:
        """Delete the pods that were created during the migration, also those that never started."""
        namespace = probe_pods.namespace_object(NAMESPACE)
        self.testbed.kube.delete(namespace)
        self.testbed.kube.wait_until_gone(namespace, patience=replacing.PATIENCE)
        self.later.clear()


def _but(stale_node: str) -> str:
    return f" but {stale_node}" if stale_node else ""
