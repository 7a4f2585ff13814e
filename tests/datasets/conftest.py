"""Keeps tests of data sets away from the user's own data, cache and network."""

import functools
import http.server
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the helpers in dataset_files


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache folder of the test's own, and no other setting of the user's."""
    for name in ("IMGCOMP_DATA", "IMGCOMP_OFFLINE", "IMGCOMP_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "cache"
    monkeypatch.setenv("IMGCOMP_CACHE", str(folder))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    return folder


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        name = self.path.lstrip("/")
        if name in self.server.cut:  # promise the whole file, send a part of it
            content = self.server.cut[name]
            self.send_response(200)
            self.send_header("Content-Length", str(2 * len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        if name in self.server.unsized:  # no length, ends when the connection does
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.unsized[name])
            return
        super().do_GET()


@pytest.fixture
def server(tmp_path):
    """A web server on the loopback device that serves the folder ``server.folder``."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Handler, directory=str(folder))
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    httpd.folder, httpd.asked, httpd.cut, httpd.unsized = folder, [], {}, {}
    httpd.url = f"http://127.0.0.1:{httpd.server_port}/"
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()
