"""Make Allure's page small and free of requests: its data is compressed, and nothing is sent when somebody opens it.

Allure's single file has the data of every case as base64, which the page of 5,000 cases makes into tens of megabytes,
and a script that reports each opening to a service for web analytics; neither is an option of Allure.
"""

from __future__ import annotations

import base64
import json
import re
import zlib

DATA = re.compile(r"<script defer>\s*Promise\.allSettled\(\[(d\(.*)\]\)\s*\.then\(.*?</script>", re.DOTALL)
FILE = re.compile(r'd\("([^"]+)","([A-Za-z0-9+/=]*)"\)')
BETWEEN = re.compile(r"[,\s]*")
ANALYTICS = re.compile(r'<script async src="https://[^"]*"></script>\s*<script>[^<]*\bgtag\([^<]*</script>')
LEVEL = 6  # of zlib: 9 takes longer and saves a hundredth
# The page waits until allureReportDataReady is true.
UNPACK = """<script>
      (async () => {
        const packed = Uint8Array.from(atob("%s"), (character) => character.charCodeAt(0));
        const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
        window.allureReportData = JSON.parse(await new Response(stream).text());
        window.allureReportDataReady = true;
      })();
    </script>"""


def packed(html: str) -> str:
    """Return Allure's page without its analytics and with compressed data; data of another form is left as it is.

    Args:
        html: the page that Allure wrote as a single file.
    """
    html = ANALYTICS.sub("", html)
    found = DATA.search(html)
    if found is None:
        return html
    files = dict(FILE.findall(found[1]))
    if BETWEEN.fullmatch(FILE.sub("", found[1])) is None:
        return html
    script = base64.b64encode(zlib.compress(json.dumps(files).encode(), LEVEL)).decode()
    return html[: found.start()] + UNPACK % script + html[found.end() :]
