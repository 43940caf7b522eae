"""The peer's way out: a Celery task that posts one lead, signed, to an HTTPS endpoint; acknowledged after it arrived.

Set as Celery's documentation advises for work that must not be lost: acknowledged late, given back when a worker is
lost, tried again with growing delays; and for speed: no results, no events, connections that are kept, JSON as it is.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import urllib3
from celery import Celery
from standardwebhooks.webhooks import Webhook

_URL = os.environ["PEER_URL"]
_webhook = Webhook(os.environ["PEER_SECRET"])
_pool = urllib3.PoolManager(
    maxsize=64, ca_certs=os.environ["PEER_CA_FILE"], timeout=urllib3.Timeout(connect=5, read=30), retries=False
)

app = Celery("peer", broker=os.environ["PEER_BROKER"])
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=int(os.environ.get("PEER_PREFETCH", "8")),
    worker_disable_rate_limits=True,
    worker_send_task_events=False,
    task_send_sent_event=False,
    broker_pool_limit=64,
    broker_connection_retry_on_startup=True,
)


class Refused(Exception):
    """The endpoint answered something else than that it took the lead."""


@app.task(
    autoretry_for=(urllib3.exceptions.HTTPError, Refused),
    retry_backoff=2,
    retry_backoff_max=43_200,
    retry_jitter=True,
    max_retries=40,
)
def deliver(lead_id: str, lead: dict[str, Any]) -> None:
    """Post the lead. Raises what makes Celery try again."""
    content = json.dumps({"LeadId": lead_id, "Lead": lead}, separators=(",", ":"))
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": lead_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": _webhook.sign(lead_id, now, content),
    }
    answer = _pool.request("POST", _URL, body=content.encode(), headers=headers, redirect=False)
    if not 200 <= answer.status < 300:
        raise Refused(f"{answer.status}")
