"""Calls of PowerPlatform-Dataverse-Client on leads; prints what each returned or raised."""

import json
import sys

from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient

tenant, application, secret, resource = sys.argv[1:]
client = DataverseClient(resource, ClientSecretCredential(tenant, application, secret))
done = {}


def call(name, work):
    try:
        done[name] = work()
    except Exception as error:  # the test judges it
        done[name] = {"raised": type(error).__name__, "text": str(error)}
    return done[name]


def in_batch():
    batch = client.batch.new()
    with batch.changeset() as changes:
        changes.records.create("lead", {"subject": "B1", "lastname": "Batch"})
        changes.records.create("lead", {"subject": "B2", "lastname": "Batch"})
    return [each.status_code for each in batch.execute().responses]


one = call("records.create", lambda: client.records.create("lead", {"subject": "One", "lastname": "King"}))
call("records.update", lambda: client.records.update("lead", one, {"subject": "Uno"}))
call("records.retrieve", lambda: client.records.retrieve("lead", one, select=["subject"]).data["subject"])
call(
    "records.create of many",
    lambda: len(client.records.create("lead", [{"subject": s, "lastname": "Many"} for s in "ab"])),
)
call(
    "records.list_pages",
    lambda: [
        len(list(page))
        for page in client.records.list_pages(
            "lead",
            filter="lastname eq 'Many' and contains(subject,'a') or startswith(subject,'Uno') or subject eq 'b'",
            orderby=["subject desc"],
            select=["subject"],
            page_size=2,
        )
    ],
)
call("batch with a change set", in_batch)
call("tables.get", lambda: client.tables.get("lead")["entity_set_name"])
call("records.delete", lambda: client.records.delete("lead", one))
print(json.dumps(done, default=str))
