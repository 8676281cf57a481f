"""A server that tells what it was asked, and does what its path says."""
import base64, hashlib, http.server, json, socketserver, struct, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    here = []; gone = []; go = threading.Event()
    def log_message(self, *_): pass
    def answer(self):
        if self.headers.get('Upgrade') == 'websocket': return self.echo()
        if self.path.startswith('/events'): return self.events()
        if self.path.startswith('/gone'): return self.tell(self.gone)
        if self.path.startswith('/here'): return self.tell(self.here)
        if self.path.startswith('/wait'): return self.wait()
        if self.path.startswith('/go'): self.go.set()
        if self.path.startswith('/status/'):
            self.send_response(int(self.path.split('/')[2]))
            self.send_header('Content-Length', '3'); self.end_headers()
            return self.wfile.write(b'odd')
        length = 0; digest = hashlib.sha256()
        if self.headers.get('Transfer-Encoding') == 'chunked':
            while size := int(self.rfile.readline(), 16):
                digest.update(self.rfile.read(size)); length += size; self.rfile.readline()
            self.rfile.readline()
        else:
            left = int(self.headers.get('Content-Length', 0))
            while left:
                piece = self.rfile.read(min(left, 65536))
                digest.update(piece); left -= len(piece); length += len(piece)
        if self.path.startswith('/large'):
            self.send_response(200); self.send_header('Content-Length', str(64 << 20)); self.end_headers()
            for _ in range(1024): self.wfile.write(b'z' * 65536)
            return
        self.tell({'method': self.command, 'path': self.path, 'headers': self.headers.items(),
                   'length': length, 'sha256': digest.hexdigest()})
    def tell(self, what):
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Connection', 'X-Between'); self.send_header('X-Between', 'us')
        self.send_header('Set-Cookie', 'a=1'); self.send_header('Set-Cookie', 'pitlane=stolen')
        self.end_headers()
        if self.command != 'HEAD': self.wfile.write(body)
    def events(self):
        self.send_response(200); self.send_header('Content-Type', 'text/event-stream'); self.end_headers()
        self.close_connection = True
        self.wfile.write(b'data: 0\n\n'); self.wfile.flush()
        self.go.wait()
        self.wfile.write(b'data: 1\n\n')
    def wait(self):
        self.here.append('wait'); self.rfile.read1(1); self.gone.append('wait'); self.close_connection = True
    def echo(self):
        key = self.headers['Sec-WebSocket-Key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        self.send_response(101); self.send_header('Upgrade', 'websocket'); self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        if self.headers.get('Sec-WebSocket-Protocol'):
            self.send_header('Sec-WebSocket-Protocol', self.headers['Sec-WebSocket-Protocol'].split(',')[0])
        self.end_headers(); self.close_connection = True
        while head := self.rfile.read(2):
            kind, length = head[0], head[1] & 127
            if length == 126: length = struct.unpack('>H', self.rfile.read(2))[0]
            if length == 127: length = struct.unpack('>Q', self.rfile.read(8))[0]
            mask = self.rfile.read(4); data = bytearray(self.rfile.read(length))
            for at in range(length): data[at] ^= mask[at % 4]
            if length < 126: start = struct.pack('>BB', kind, length)
            elif length < 65536: start = struct.pack('>BBH', kind, 126, length)
            else: start = struct.pack('>BBQ', kind, 127, length)
            self.wfile.write(start + bytes(data)); self.wfile.flush()
            if kind & 15 == 8: break
        self.gone.append('echo')
    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = answer

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True; request_queue_size = 64
    import socket; address_family = socket.AF_INET6 if ':' in sys.argv[2] else socket.AF_INET
Server((sys.argv[2], int(sys.argv[1])), Handler).serve_forever()
