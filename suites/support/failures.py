"""Keep the evidence of a failure while its pods, policies and flows are still there."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

from fixtures.testbed.evidence import collection
from reports import evidence, kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fixtures.probes.prober import Prober
    from fixtures.testbed.testbed import Testbed
    from fixtures.workspaces.probing import StateResult
    from fixtures.workspaces.workspace import Workspace
    from policies.flow import Flow
    from policies.matrix import Wrong

LIMITS = (
    f"Limits in bytes: {evidence.LONGEST_FILE} of a file, {evidence.LARGEST_CASE} of a case, {evidence.LARGEST_RUN} "
    f"of a run; {kinds.MOST} kinds of failures of a run."
)


def keep_flow(
    testbed: Testbed, folder: Path, requirements: str, wrong: Sequence[Wrong], probers: Mapping[str, Prober]
) -> None:
    """Keep the evidence of wrong flows, with the packets of one of them; see `keep`.

    Args:
        testbed: the cluster.
        folder: the folder of the case's evidence.
        requirements: ids of the requirements of the case, separated by commas.
        wrong: the flows; one whose server is known is sent again.
        probers: those of clients and servers, by their names in the flows.
    """
    chosen = next((row for row in wrong if row.expected.servers), wrong[0])
    keep(testbed, folder, kinds.of(requirements, chosen.why), chosen.expected, probers)


def keep_state(workspace: Workspace, result: StateResult, folder: Path, requirements: str) -> None:
    """Keep the evidence of a workspace while it is in a state with wrong flows; see `keep_flow`."""
    wrong = [row.wrong for row in result.found]
    keep_flow(workspace.testbed, folder, requirements, wrong, workspace.probers)


def keep(
    testbed: Testbed,
    folder: Path,
    kind: str,
    flow: Flow | None = None,
    probers: Mapping[str, Prober] | None = None,
) -> None:
    """Collect the evidence of a failure if it is the first of its kind; write it, and what could not be collected.

    The verdict of a case stands, whatever is wrong with its evidence: no error is raised.

    Args:
        testbed: the cluster.
        folder: the folder of the case's evidence.
        kind: the kind of the failure.
        flow: the wrong flow; None for a failure that is not about one.
        probers: by name; by default the testbed's.
    """
    begun = time.monotonic()
    lines = [f"Kind of failure: {kind}"]
    try:
        if before := kinds.first(folder, kind):
            lines.append(f"{evidence.FIRST}../{before}/")
        else:
            lines += _collect(testbed, folder, flow, probers)
    except kinds.TooManyKindsError as error:
        lines.append(f"Not collected: {error}")
    except Exception:  # noqa: BLE001 - see above
        lines += ["Not collected, because of an error of netproof:", traceback.format_exc()]
    lines.append(f"Collected in {time.monotonic() - begun:.1f} s.")
    evidence.write(folder, evidence.ABOUT, "".join(f"{line}\n" for line in [*lines, LIMITS]))


def _collect(testbed: Testbed, folder: Path, flow: Flow | None, probers: Mapping[str, Prober] | None) -> list[str]:
    """Collect and write; returns a line for each thing that is missing."""
    found = collection.collect(testbed, flow, probers)
    left = [evidence.write(folder, name, content, found.secrets) for name, content in found.files.items()]
    return [f"Not collected: {reason}" for reason in [*found.missing, *filter(None, left)]]
