"""Record the state of healthy nodes for tests of audits: `python -m tests.support.record [NAME …]`.

Each name opens a lab. The files contain the output of `ip`, `iptables-save` and `nft` there, with the MAC addresses of
that lab. Record again when a plugin's program changes, or the code that reads nodes. Tests select rows by values such
as the destination, so they work with new recordings.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from fixtures.cnis import audits
from tests.support import snapshots
from tests.support.open_lab import opened

LABS: dict[str, dict[str, Any]] = {
    "vxlan": {"cni": "flannel:vxlan"},
    "vxlan-nft": {"cni": "flannel:vxlan-nft", "nodes": 2, "proxy_mode": "nftables"},
    "vxlan-dual": {"cni": "flannel:vxlan", "nodes": 2, "ip": "dual"},
    "host-gw": {"cni": "flannel:host-gw", "nodes": 2},
    "direct": {"cni": "flannel:direct"},
    "bridge": {"cni": "bridge", "ip": "dual"},
}


def record(name: str) -> None:
    """Record a lab of LABS.

    Raises:
        SystemExit: the plugin's audits find that the nodes are not healthy.
    """
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), **LABS[name]) as lab:
        audit = audits.load(lab.testbed.cni)
        snapshot = lab.testbed.snapshot(audit.files)
        if findings := audit.findings(snapshot):
            raise SystemExit(f"{name} is not healthy: {findings}")
        snapshots.path_of(name).write_text(_text(snapshots.dump(snapshot)) + "\n")


def _text(data: Any, depth: int = 0) -> str:  # noqa: ANN401 - JSON
    """Format JSON with a line per row of a table, so that a diff of two versions is short."""
    if depth < 4 and isinstance(data, dict | list) and data:  # nodes → node1 → routes → row
        inner = (
            [f"{json.dumps(key)}: {_text(value, depth + 1)}" for key, value in data.items()]
            if isinstance(data, dict)
            else [_text(value, depth + 1) for value in data]
        )
        opening, closing = "{}" if isinstance(data, dict) else "[]"
        return f"{opening}\n" + ",\n".join(inner) + f"\n{closing}"
    return json.dumps(data, separators=(",", ":"))


if __name__ == "__main__":
    snapshots.FOLDER.mkdir(parents=True, exist_ok=True)
    for each in sys.argv[1:] or LABS:
        record(each)
