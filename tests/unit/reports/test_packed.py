"""Allure's page after netproof packed it: small, without requests, with the same data."""

from __future__ import annotations

import base64
import json
import re
import zlib

from reports.packed import packed

FILES = {"widgets/tree.json": base64.b64encode(b'{"a": 1}' * 500).decode(), "data/x-1.svg": "PHN2Zy8+"}
HEAD = "<html><body><script>window.app = 1;</script>\n"
ANALYTICS = """<script async src="https://analytics.example/js?id=1"></script>
    <script>
        function gtag(){dataLayer.push(arguments);}
        gtag('config', '1', {"report": "awesome"});
    </script>"""
END = "\n</body></html>"


def data(*more: str) -> str:
    """Return the script with the data, as Allure writes it; `more` are further calls."""
    calls = ",".join([*(f'd("{name}","{text}")' for name, text in FILES.items()), *more])
    ready = "window.allureReportDataReady = true;"
    return f"<script defer>\n      Promise.allSettled([{calls}])\n  .then(function(){{\n {ready}\n }})\n </script>"


def test_the_page_has_the_same_data_in_less_space() -> None:
    """The script holds all files; the rest of the page is as before."""
    page = packed(HEAD + data() + END)
    assert page.startswith(HEAD)
    assert page.endswith(END)
    (text,) = re.findall(r'atob\("([^"]*)"\)', page)
    assert json.loads(zlib.decompress(base64.b64decode(text))) == FILES
    assert len(page) < len(HEAD + data() + END) / 4


def test_opening_the_page_sends_nothing() -> None:
    """Allure's analytics are removed, and nothing else."""
    assert packed(HEAD + ANALYTICS + END) == HEAD + END


def test_data_of_an_unknown_form_stays_as_it_is() -> None:
    """A page of another version of Allure is shown as that version wrote it."""
    for page in (HEAD + END, HEAD + data("e(1)") + END):
        assert packed(page) == page
