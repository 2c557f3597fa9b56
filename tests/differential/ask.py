"""The other side: what np-guard's analyzer says of worlds.  Runs in an environment of its own.

A world is a line of JSON: {namespaces, pods, policies: [manifest, …], flows: [[from, to, protocol, port], …]},
its answer a line with a truth value per flow, or with the words in which the analyzer refuses the world.
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


def answer(world: dict[str, Any], folder: Path) -> list[bool]:
    """Whether each flow of a world gets through."""
    files = []
    for kind in ("policies", "namespaces", "pods"):
        path = folder / f"{kind}.yaml"
        path.write_text("\n---\n".join(map(json.dumps, world[kind])))  # JSON quotes what YAML may take for numbers
        files.append([str(path)])
    config = ResourcesHandler().get_network_config(*files, None, config_name="world")
    allowed = config.allowed_connections().all_allowed_conns
    peers = {str(peer): peer for peer in config.peer_container.get_all_peers_group()}

    def passes(source: str, destination: str, protocol: str, port: int) -> bool:
        ports = PortSet()
        ports.add_port(port)
        flow = {
            "src_peers": PeerSet({peers[source]}),
            "dst_peers": PeerSet({peers[destination]}),
            "protocols": ProtocolSet.get_protocol_set_with_single_protocol(protocol),
            "dst_ports": ports,
        }
        return bool(ConnectivityProperties.make_conn_props_from_dict(flow) & allowed)

    return [passes(*flow) for flow in world["flows"]]


def main() -> None:
    """Answer line by line; whatever the analyzer prints goes to standard error."""
    out = sys.stdout
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        for line in sys.stdin:
            try:
                said: object = answer(json.loads(line), Path(folder))
            except SyntaxError as error:  # how it says that it does not take a policy
                said = error.msg.strip()
            out.write(json.dumps(said) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
