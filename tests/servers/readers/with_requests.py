"""Write the decoded body of a URL as it comes, by requests."""

import sys

import requests

coding, url = sys.argv[1:]
headers = {"Datastar-Request": "true", "Accept-Encoding": coding}
with requests.get(url, headers=headers, stream=True, timeout=60) as response:
    response.raise_for_status()
    print(response.headers.get("Content-Encoding", "identity"), file=sys.stderr)
    for part in response.iter_content(chunk_size=None):
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
