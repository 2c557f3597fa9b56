"""Run np-guard's analyzer on worlds from standard input; this program needs an environment of its own.

Each line of input is a world as JSON: {namespaces, pods, policies: [manifest, …], flows: [[from, to, protocol, port],
…]}. Each line of output is its result: a list with true or false per flow, or the message with which the analyzer
rejects the world.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from nca.CoreDS.ConnectivityProperties import ConnectivityProperties  # type: ignore[import-not-found,unused-ignore]
from nca.CoreDS.Peer import PeerSet  # type: ignore[import-not-found,unused-ignore]
from nca.CoreDS.PortSet import PortSet  # type: ignore[import-not-found,unused-ignore]
from nca.CoreDS.ProtocolSet import ProtocolSet  # type: ignore[import-not-found,unused-ignore]
from nca.NetworkConfig.ResourcesHandler import (  # type: ignore[import-not-found,unused-ignore]
    ResourcesHandler,
)


def analyze(world: dict[str, Any], folder: Path) -> list[bool]:
    """Return for each flow of a world whether it is allowed.

    Args:
        world: a line of input.
        folder: a folder for temporary files.

    Raises:
        SyntaxError: the analyzer rejects the world.
    """
    files = []
    for kind in ("policies", "namespaces", "pods"):
        path = folder / f"{kind}.yaml"
        path.write_text("\n---\n".join(map(json.dumps, world[kind])))  # JSON quotes numeric texts, as YAML needs
        files.append([str(path)])
    config = ResourcesHandler().get_network_config(*files, None, config_name="world")
    allowed = config.allowed_connections().all_allowed_conns
    peers = {str(peer): peer for peer in config.peer_container.get_all_peers_group()}

    def allows(source: str, destination: str, protocol: str, port: int) -> bool:
        ports = PortSet()
        ports.add_port(port)
        flow = {
            "src_peers": PeerSet({peers[source]}),
            "dst_peers": PeerSet({peers[destination]}),
            "protocols": ProtocolSet.get_protocol_set_with_single_protocol(protocol),
            "dst_ports": ports,
        }
        return bool(ConnectivityProperties.make_conn_props_from_dict(flow) & allowed)

    return [allows(*flow) for flow in world["flows"]]


def main() -> None:
    """Analyze each line of input; output of the analyzer itself goes to standard error."""
    out = sys.stdout
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        for line in sys.stdin:
            try:
                result: object = analyze(json.loads(line), Path(folder))
            except SyntaxError as error:  # the analyzer raises it for policies that it rejects
                result = error.msg.strip()
            out.write(json.dumps(result) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
