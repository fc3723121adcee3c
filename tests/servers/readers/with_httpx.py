"""Write the decoded body of a URL as it comes, by httpx."""

import sys

import httpx

coding, url = sys.argv[1:]
headers = {"Datastar-Request": "true", "Accept-Encoding": coding}
with httpx.stream("GET", url, headers=headers, timeout=60) as response:
    response.raise_for_status()
    print(response.headers.get("Content-Encoding", "identity"), file=sys.stderr)
    for part in response.iter_bytes():
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
