"""Follows a channel, and resumes where it was after an interruption: one line for each event.

pip install httpx httpx-sse
python follow.py http://localhost:8080 orders.alice.17 [cursor]
"""

import sys
import time

import httpx
from httpx_sse import connect_sse

url, channel, *rest = sys.argv[1:]
cursor = rest[0] if rest else None
wait = 2.0

while True:
    headers = {"Last-Event-ID": cursor} if cursor else {}
    try:
        with (
            httpx.Client() as client,
            connect_sse(client, "GET", f"{url}/events", params={"channel": channel, "data": "raw"}, headers=headers) as source,
        ):
            if source.response.status_code == 204:
                sys.exit("nothing more will come")
            if source.response.is_client_error:
                sys.exit(source.response.read().decode())
            for event in source.iter_sse():
                if event.event == "gap":
                    print("gap: load your state again", flush=True)
                elif event.event not in ("ready", "heartbeat", "closing", "auth-expiring"):
                    print(event.event, event.data.replace("\n", " "), flush=True)
                cursor = event.id or cursor
                wait = wait if event.retry is None else event.retry / 1000
    except (httpx.TransportError, httpx.StreamError):
        pass
    time.sleep(wait)
