"""Serves the bare repositories below a folder over HTTP through git's own
back end, with a name and password: server.py FOLDER. Prints its port."""
import base64
import http.server
import os
import subprocess
import sys

FOLDER = sys.argv[1]
BACKEND = os.path.join(
    subprocess.check_output(["git", "--exec-path"], text=True).strip(), "git-http-backend"
)
EXPECTED = "Basic " + base64.b64encode(b"me:s3cret").decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def plain(self, status, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            whole = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                whole += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return whole
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def serve(self):
        body = self.body()
        path, _, query = self.path.partition("?")
        if path.startswith("/elsewhere/"):
            # The same repository on another server, which gets no password unless it asks by itself.
            return self.plain(302, [("Location", f"http://localhost:{PORT}/private/{self.path[11:]}")])
        if path.startswith("/forbidden/"):
            return self.plain(403)
        if path.startswith("/private/"):
            if self.headers.get("Authorization") != EXPECTED:
                return self.plain(401, [("WWW-Authenticate", 'Basic realm="git"')])
            path = path[len("/private"):]
        environment = dict(
            os.environ,
            GIT_PROJECT_ROOT=FOLDER,
            GIT_HTTP_EXPORT_ALL="1",
            REMOTE_USER="me",
            PATH_INFO=path,
            QUERY_STRING=query,
            REQUEST_METHOD=self.command,
            CONTENT_TYPE=self.headers.get("Content-Type", ""),
            CONTENT_LENGTH=str(len(body)),
            GIT_PROTOCOL=self.headers.get("Git-Protocol", ""),
        )
        if self.headers.get("Content-Encoding"):
            environment["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
        answer = subprocess.run([BACKEND], input=body, env=environment, stdout=subprocess.PIPE).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        status, headers = 200, []
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = serve
    do_POST = serve


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
PORT = server.server_address[1]
print(PORT, flush=True)
server.serve_forever()
