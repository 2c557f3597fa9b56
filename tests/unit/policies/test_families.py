"""Families of addresses and networks."""

from __future__ import annotations

import json
from ipaddress import ip_address

from policies.families import Family, family_of, in_url, of_family


def test_a_family_is_written_as_options_and_reports_write_it() -> None:
    """Text, JSON and a look-up by text give what users write."""
    assert [f"{family}" for family in Family] == ["ipv4", "ipv6"]
    assert json.dumps(tuple(Family)) == '["ipv4", "ipv6"]'
    by_text: dict[str, int] = {Family.IPV6: 1}
    assert by_text["ipv6"] == 1


def test_a_family_is_known_by_an_address_and_by_a_network() -> None:
    """The version, the number of bits and the loopback address are those of the module ipaddress."""
    for family in Family:
        own = ip_address(family.loopback)
        assert (own.version, own.max_prefixlen, own.is_loopback) == (family.version, family.bits, True)
        assert family_of(family.loopback) is family
    assert of_family(["10.0.0.0/8", "fd00::/8"], "ipv6") == "fd00::/8"
    assert [in_url(text) for text in ("192.0.2.1", "2001:db8::1")] == ["192.0.2.1", "[2001:db8::1]"]
