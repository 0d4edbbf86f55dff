"""locustfile.py - Locust's fastest user with the 20 requests of load.sh's session_trace.

LOCUST_WAIT_S: seconds between a user's requests (none without it). LOCUST_ONE=1: one request only, then
the user waits for ever (memory.sh).
"""
import os

from locust import FastHttpUser, constant, constant_pacing, task

HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Referer": "http://127.0.0.1/shop/catalogue",
    "DNT": "1",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-User": "?1",
    "Cookie": "sid=7f3a9c11d2e84b06a5d1; lang=en; consent=all",
}
TARGETS = [(f"/shop/items/{i}?page={i % 7}", f"/shop/items/{i}") for i in range(1, 21)]
PACE_S = float(os.environ.get("LOCUST_WAIT_S", "0"))
IS_ONE = "LOCUST_ONE" in os.environ


class Visitor(FastHttpUser):
    """One user: its connection, its cookies, its requests in order."""

    wait_time = constant(1e6) if IS_ONE else constant_pacing(PACE_S) if PACE_S else constant(0)
    network_timeout = 60.0

    @task
    def session(self):
        if PACE_S or IS_ONE:
            self.client.get("/tick/1", headers=HEADERS, name="/tick")
            return
        for target, name in TARGETS:
            self.client.get(target, headers=HEADERS, name=name)
