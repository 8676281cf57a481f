"""Programs that listen in a sandbox, seen from outside."""

import http.client
import urllib.parse

import pytest
from conftest import until
from daytona import CreateSandboxFromSnapshotParams, DaytonaError, SessionExecuteRequest

SERVER = """
import http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.path} for {self.headers.get('X-Asked', 'nobody')}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))[::-1]
        self.send_response(201); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 3000), Answer).serve_forever()
"""


@pytest.fixture
async def serving(make):
    """A sandbox with a web server on port 3000."""
    sandbox = await make(CreateSandboxFromSnapshotParams())
    await sandbox.fs.upload_file(SERVER.encode(), "server.py")
    await sandbox.process.create_session("server")
    await sandbox.process.execute_session_command(
        "server", SessionExecuteRequest(command="python3 server.py", run_async=True))
    probe = "python3 -c \"import socket; socket.create_connection(('127.0.0.1', 3000), 1)\""

    async def up():
        return (await sandbox.process.exec(probe)).exit_code == 0

    await until("it listens", up)
    return sandbox


def visit(url, path="/", method="GET", body=None, headers=None):
    """Asks as a browser does, which knows that all names below localhost are this machine."""
    where = urllib.parse.urlsplit(url)
    host = "127.0.0.1" if where.hostname.endswith("localhost") else where.hostname
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, where.port, timeout=10)
    query = f"?{where.query}" if where.query else ""
    connection.request(method, where.path.rstrip("/") + path + query, body, {"Host": where.netloc, **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


async def test_a_preview_needs_its_token(serving):
    link = await serving.get_preview_link(3000)
    token = {"x-daytona-preview-token": link.token}
    assert visit(link.url, "/a%20b?c=d", headers={"X-Asked": "me", **token}) == (200, "/a%20b?c=d for me")
    assert visit(link.url, "/", "POST", b"abc", token) == (201, "cba")
    assert visit(link.url)[0] in (401, 302, 307, 403)
    assert visit(link.url, headers={"x-daytona-preview-token": "wrong"})[0] in (401, 302, 307, 403)
    nobody = await serving.get_preview_link(3999)
    assert visit(nobody.url, headers={"x-daytona-preview-token": nobody.token})[0] in (502, 404)


async def test_a_public_preview_needs_none(serving):
    await serving.set_public(True)
    link = await serving.get_preview_link(3000)
    assert visit(link.url, "/open") == (200, "/open for nobody")


async def test_a_signed_preview_until_it_is_ended(serving):
    signed = await serving.create_signed_preview_url(3000, 120)
    assert signed.port == 3000 and signed.token in signed.url
    assert visit(signed.url, "/signed") == (200, "/signed for nobody")
    await serving.expire_signed_preview_url(3000, signed.token)
    assert visit(signed.url, "/signed")[0] in (401, 302, 307, 403, 404)
    with pytest.raises(DaytonaError):
        await serving.get_preview_link(70000)


async def test_ssh_access(serving):
    access = await serving.create_ssh_access(10)
    assert access.sandbox_id == serving.id and access.token and access.token in access.ssh_command
    assert access.expires_at > access.created_at
    valid = await serving.validate_ssh_access(access.token)
    assert (valid.valid, valid.sandbox_id) == (True, serving.id)
    await serving.revoke_ssh_access(access.token)
    assert not (await serving.validate_ssh_access(access.token)).valid
