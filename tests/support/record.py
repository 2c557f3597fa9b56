"""Record healthy nodes for the tests of audits: `python -m tests.support.record [NAME …]` opens a lab for each.

What is written is what `ip`, `iptables-save` and `nft` print there, with the MAC addresses of that lab.  Record again
when a plugin's program or the reading of nodes changes; the tests look for rows by what they are about.
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
    """Write the nodes of a lab that is healthy by its plugin's own audits."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), **LABS[name]) as lab:
        known = audits.load(lab.testbed.cni)
        snapshot = lab.testbed.snapshot(known.files)
        if found := known.findings(snapshot):
            raise SystemExit(f"{name} is not healthy: {found}")
        snapshots.path_of(name).write_text(_text(snapshots.dump(snapshot)) + "\n")


def _text(data: Any, depth: int = 0) -> str:  # noqa: ANN401 - JSON
    """JSON with a line for each row: short, and readable in a comparison of two versions."""
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
