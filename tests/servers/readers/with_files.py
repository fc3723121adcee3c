"""Write the decoded body of a URL when it has ended, by GzipFile or ZstdFile."""

import gzip
import sys
import urllib.request
from importlib import import_module

coding, url = sys.argv[1:]
request = urllib.request.Request(url, headers={"Datastar-Request": "true", "Accept-Encoding": coding})
with urllib.request.urlopen(request, timeout=60) as response:
    print(response.headers.get("Content-Encoding", "identity"), file=sys.stderr)
    if coding == "gzip":
        opened = gzip.GzipFile(fileobj=response)
    else:
        library = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
        opened = library.ZstdFile(response)
    with opened:
        sys.stdout.buffer.write(opened.read())
