"""A department's system in forty lines: takes tasks from the hall's webhook and answers them over its API.

python receive_webhooks.py 8090 http://hall:8050 WEBHOOK_SECRET API_TOKEN
"""

import base64
import hmac
import json
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, HALL, SECRET, TOKEN = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode(), sys.argv[4]
known = set()  # a real system keeps these with its tasks: the hall may tell the same thing twice


def genuine(headers, body):
    name, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    made = hmac.new(SECRET, f"{name}.{seconds}.".encode() + body, "sha256").digest()
    fresh = seconds.isdigit() and abs(time.time() - int(seconds)) < 300
    return fresh and hmac.compare_digest(headers.get("webhook-signature", ""), "v1," + base64.b64encode(made).decode())


def answer(event, move, revision):
    body = json.dumps({"id": f"dept-{event['id']}-{move}", "move": move, "revision": revision}).encode()
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    try:
        return urllib.request.urlopen(urllib.request.Request(HALL + event["data"]["answer"], body, headers), timeout=10)
    except urllib.error.HTTPError as refused:
        said = json.load(refused)
        print("refused:", said, flush=True)
        return answer(event, move, said["revision"]) if said["reason"] == "stale" else None


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(204 if (good := genuine(self.headers, body)) else 401)
        self.end_headers()
        if not good or self.headers["webhook-id"] in known:
            return
        known.add(self.headers["webhook-id"])
        event = json.loads(body)
        print(event["type"], event["subject"], event["data"]["case"].get("address", ""), flush=True)
        if event["type"].endswith(".dispatch"):
            answer(event, "take", event["data"]["revision"])


ThreadingHTTPServer(("", PORT), Receiver).serve_forever()
