"""Secrets are not written to the folder of a run, whatever the text that contains them is."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

import pytest

from reports import evidence
from reports.redaction import REMOVED, redacted

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-Zq81xP0mWk"  # noqa: S105 - planted
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJzeXN0ZW06eCJ9.c2lnbmF0dXJl"  # noqa: S105 - planted
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n{SECRET}\n-----END RSA PRIVATE KEY-----"
ENCODED = base64.b64encode(KEY.encode()).decode()
OBJECT = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"x": SECRET, "y": SECRET}}
CONTAINER = {"name": "a", "env": [{"name": "API_TOKEN", "value": SECRET}, {"name": "MODE", "value": "fast"}]}

SHAPES = {
    "yaml": f"password: {SECRET}",
    "quoted yaml": f"password: '{SECRET}'",
    "json": f'{{"password": "{SECRET}", "x": 1}}',
    "escaped json": json.dumps({"annotation": json.dumps({"token": SECRET})}),
    "environment": f"DB_PASSWORD={SECRET} next",
    "export": f"export AWS_SECRET_ACCESS_KEY='{SECRET}'",
    "option with =": f"agent --token={SECRET} --v=2",
    "option": f"agent --client-secret {SECRET} --v=2",
    "logfmt": f'level=info msg="login" token="{SECRET}" user=x',
    "sentence": f"the token is {SECRET}, try again",
    "bearer": f"curl -H 'Authorization: Bearer {SECRET}'",
    "bearer alone": f"sent bearer {SECRET}",
    "basic": f"Authorization: Basic {SECRET}",
    "header as json": f'{{"Authorization":["Bearer {SECRET}"]}}',
    "cookie": f"set-cookie: {SECRET}",
    "url": f"https://user:{SECRET}@example.org/path",
    "variable as yaml": f"- name: API_TOKEN\n  value: {SECRET}\n- name: MODE\n  value: fast",
    "variable as json": json.dumps(CONTAINER),
    "variable in an annotation": json.dumps(json.dumps(CONTAINER)),
    "secret as json": json.dumps(OBJECT),
    "secret in an annotation": json.dumps(json.dumps(OBJECT)),
    "secret as yaml": f"apiVersion: v1\nkind: Secret\ndata:\n  x: {SECRET}\n  y: {SECRET}\ntype: Opaque\n",
    "secret in a list": f"items:\n- kind: Secret\n  data:\n    x: {SECRET}\n",
    "second document": f"kind: ConfigMap\n---\nkind: Secret\ndata:\n  x: {SECRET}\n",
    "stringData": f"stringData:\n  x: {SECRET}\n  y: {SECRET}\n",
    "stringData as json": f'{{"stringData": {{"x": "{SECRET}"}}}}',
    "block of yaml": f"token: |\n  {SECRET}\n  {SECRET}\nnext: x",
    "kubeconfig": f"user:\n  client-certificate-data: {SECRET}\n  client-key-data: {SECRET}\n  token: {SECRET}\n",
    "kubeconfig, authority": f"certificate-authority-data: {SECRET}",
    "wireguard": f"[Interface]\nPrivateKey = {SECRET}\n",
    "wg show": f"interface: wg0\n  private key: {SECRET}\n  preshared key: {SECRET}\n",
    "pem": f"before\n{KEY}\nafter",
    "pem in one line": KEY.replace("\n", "\\n"),
    "pem that is cut off": KEY[:60],
    "certificate": f"-----BEGIN CERTIFICATE-----\n{SECRET}\n-----END CERTIFICATE-----",
    "pem in base64": f"tls.key: {ENCODED}",
    "pem in base64 without a name": f"found {ENCODED} in the mount",
    "jwt": f"mounted {TOKEN} for the pod",
    "jwt in a path": f"/x?t={TOKEN}",
    "known": f"starting with {SECRET}",
    "known, in base64": f"starting with {base64.b64encode(SECRET.encode()).decode()}",
}
KEPT = (
    "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink",
    '-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns" -j KUBE-SVC-TCOU7JC',
    "7: flannel.1: <BROADCAST,MULTICAST,UP> mtu 1450\n    link/ether 02:00:00:00:00:55 brd ff:ff:ff:ff:ff:ff",
    "kind: ConfigMap\ndata:\n  net-conf.json: '{}'\n",
    "automountServiceAccountToken: true",
    "secretName: tls",
    "basic connectivity between pods",
    "matchLabels:\n  key: value\n",
)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_is_removed(shape: str, tmp_path: Path) -> None:
    """In each shape, on the way to the file; what is beside it stays."""
    known = [f"SOME_TOKEN={SECRET}", "MODE=plain-value"] if shape.startswith("known") else []
    assert evidence.write(tmp_path, "log", f"first line\n{SHAPES[shape]}\nlast line\n", known) == ""
    written = (tmp_path / "log.txt").read_text()
    hidden = (SECRET, TOKEN, ENCODED[40:], base64.b64encode(SECRET.encode()).decode())
    assert [each for each in hidden if each in written] == []
    assert REMOVED in written
    assert written.startswith("first line\n")
    assert written.endswith("last line\n") or shape == "pem that is cut off"
    assert "MODE" not in SHAPES[shape] or "fast" in written


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_secret_stays(text: str) -> None:
    """Routes, rules, links and ordinary objects are not changed."""
    assert redacted(text, ["MODE=10.244.1.0", "SHORT_TOKEN=true"]) == text


def test_the_time_to_redact_is_bounded() -> None:
    """A text of the size of a file takes a fraction of a second, whatever its lines are."""
    lines = ("token ", "a", '{"name": "x\n', "-----BEGIN X\n", "key-", "eyJ", "   data:   \n", "a-", "token", '"', "{")
    for line in lines:
        begun = time.process_time()
        redacted(line * (evidence.LONGEST_FILE // len(line)))
        assert time.process_time() - begun < 5, line
