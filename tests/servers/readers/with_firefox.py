"""Write the decoded body of a URL as it comes, by a page in Firefox that sends each part on to this program."""

import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

coding, url = sys.argv[1:]
has_ended = threading.Event()
PREFERENCES = {
    "network.http.accept-encoding": f'"{coding}"',
    # For this machine's own addresses, too.
    "network.http.accept-encoding.secure": f'"{coding}"',
    "datareporting.policy.dataSubmissionEnabled": "false",
    "browser.shell.checkDefaultBrowser": "false",
    "browser.startup.homepage_override.mstone": '"ignore"',
}


class Parts(BaseHTTPRequestHandler):
    """Takes what the page reads."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/part":
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
        else:
            print(body.decode(), file=sys.stderr)
        self.send_response(204)
        self.end_headers()
        if self.path == "/end":
            has_ended.set()

    def log_message(self, *arguments: object) -> None:
        pass


with ThreadingHTTPServer(("127.0.0.1", 0), Parts) as parts, tempfile.TemporaryDirectory() as profile:
    threading.Thread(target=parts.serve_forever, daemon=True).start()
    Path(profile, "user.js").write_text(
        "".join(f'user_pref("{name}", {value});\n' for name, value in PREFERENCES.items())
    )
    server, back = urlsplit(url), f"http://127.0.0.1:{parts.server_port}/"
    page = f"http://{server.netloc}/page?feed={quote(url)}&back={quote(back)}"
    firefox = subprocess.Popen(
        ["firefox-esr", "--headless", "--no-remote", "--profile", profile, page],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        is_whole = has_ended.wait(100)
    finally:
        firefox.terminate()
        firefox.wait(20)
    parts.shutdown()
sys.exit(0 if is_whole else "the page does not end")
