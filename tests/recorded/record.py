#!/usr/bin/env python3
"""Stands between corpora and a model's server on loopback and keeps each exchange as tests/recorded.rs plays it:
a line of JSON with what was asked last (`user`), the pieces in which the answer came, why it ended, and its usage.

usage: record.py PORT UPSTREAM_PORT FILE"""
import http.client, http.server, json, socketserver, sys, threading

port, upstream, file = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], "a")
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def exchange(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        above = http.client.HTTPConnection("127.0.0.1", upstream, timeout=3600)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        above.request(self.command, self.path, body, kept)
        answer = above.getresponse()
        self.send_response(answer.status)
        self.send_header("content-type", answer.getheader("content-type") or "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        whole = b""
        while piece := answer.read1(1 << 16):
            whole += piece
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        if "completions" in self.path:
            self.keep(json.loads(body), answer.status, whole.decode())

    def keep(self, asked, status, whole):
        row = {"model": asked["model"], "user": asked["messages"][-1]["content"], "status": status}
        events = [json.loads(l[6:]) for l in whole.splitlines() if l.startswith("data: {")]
        if events:
            choices = [c for e in events for c in e.get("choices", [])]
            row["pieces"] = [t for c in choices if (t := c.get("delta", {}).get("content"))]
            row["finish"] = next((c["finish_reason"] for c in choices if c.get("finish_reason")), None)
            usage = next((e["usage"] for e in reversed(events) if e.get("usage")), {})
            row["usage"] = {k: usage.get(k) for k in ("prompt_tokens", "completion_tokens")}
        else:
            row["body"] = whole
        with lock:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()

    do_GET = do_POST = exchange


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


Server(("127.0.0.1", port), Handler).serve_forever()
