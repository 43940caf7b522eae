"""Every call of marketorestpython that has to do with leads; prints what each returned.

marketo_calls.py MUNCHKIN CLIENT SECRET: the subscription is empty, with forms 1179 and 1181 (a draft).
"""

import sys
from datetime import UTC, datetime, timedelta

from marketorestpython.client import MarketoClient
from telling import Notified

munchkin, client_id, secret = sys.argv[1:]
summary = Notified()
there = MarketoClient(munchkin, client_id, secret, max_retry_time=1)
stranger = MarketoClient(munchkin, client_id, "wrong", max_retry_time=1)


def run(name, *args, call="", **options):
    return summary.call(f"{name} {call}".strip(), there.execute, name, *args, **options)


summary.call("authenticate with a wrong secret", stranger.execute, "describe")
summary.call("authenticate", lambda: [there.authenticate(), there.token_type, there.scope is not None])
run("describe")
run("describe2")
run("get_lead_partitions")

since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
ada = {"email": "ada@analytical.test", "firstName": "Ada", "lastName": "Lovelace"}
grace = {"email": "grace@navy.test", "firstName": "Grace", "lastName": "Hopper", "company": "Navy"}
made = run("create_update_leads", [ada, grace]) or [{"id": 1}, {"id": 2}]
first, second = made[0]["id"], made[1]["id"]
run("create_update_leads", [ada | {"title": "Countess"}], call="again")
run("create_update_leads", [ada], action="createOnly", call="createOnly")
run("create_update_leads", [{"email": "nobody@navy.test"}], action="updateOnly", call="updateOnly")
changed = [{"id": first, "city": "London"}, {"id": 9, "city": "x"}]
run("create_update_leads", changed, action="updateOnly", lookupField="id", call="updateOnly by id")
run("create_update_leads", [{"id": first}], action="createOnly", lookupField="id", call="createOnly by id")
run("create_update_leads", [ada], lookupField="shoe", call="by an unknown field")
run("create_update_leads", [ada | {"shoe": "44"}], call="with an unknown field")

run("get_lead_by_id", first)
run("get_lead_by_id", first, fields="email,title,city,createdAt", call="of some fields")
run("get_lead_by_id", 9, call="of none")
addresses = ["ADA@analytical.test", "grace@navy.test"]
run("get_multiple_leads_by_filter_type", "email", addresses)
run("get_multiple_leads_by_filter_type", "id", [str(first), "9"], fields="id,email", call="by id")
run("get_multiple_leads_by_filter_type", "email", addresses, fields="email", batchSize=1, call="page by page")
run("get_multiple_leads_by_filter_type", "title", ["Countess"], call="by a field that is not searched")
run("get_multiple_leads_by_filter_type", "email", addresses, fields="shoe", call="of an unknown field")

form = {"leadFormFields": {"email": "jean@eniac.test", "lastName": "Bartik"}}
run("submit_form", 1179, form)
run("submit_form", 1181, form, call="of a draft")
run("push_lead", [{"email": "kay@eniac.test"}], "Marketplace", source="Web", reason="Asked")
run("push_lead", [{"email": "kay@eniac.test"}], "Nowhere", call="to no program")
run("associate_lead", first, "id:123-PQR-789&token:_mch-contoso.com-1-1")
run("associate_lead", 9, "id:123-PQR-789&token:_mch-contoso.com-1-1", call="of none")
run("update_leads_partition", [{"id": first, "partitionName": "Default"}, {"id": first, "partitionName": "Other"}])

run("get_activity_types")
run("get_paging_token", since)
run("get_paging_token", "yesterday", call="of no date")
run("get_lead_activities", ["12", "13"], sinceDatetime=since)
run("get_lead_activities", ["12"], sinceDatetime=since, leadIds=[first], batchSize=1, call="of one lead")
summary.call(
    "get_lead_activities_yield",
    lambda: [
        len(page) for page in there.execute("get_lead_activities_yield", ["12"], sinceDatetime=since, batchSize=2)
    ],
)
run("get_lead_changes", ["title", "city"], sinceDatetime=since)
summary.call(
    "get_lead_changes_yield",
    lambda: sum(len(page) for page in there.execute("get_lead_changes_yield", ["title"], sinceDatetime=since)),
)

other = run("create_update_leads", [ada], action="createDuplicate", call="createDuplicate") or [{"id": 3}]
run("create_update_leads", [ada], call="of two that match")
run("merge_lead", first, [other[0]["id"]])
run("merge_lead", first, [9], call="with none")
run("get_multiple_leads_by_filter_type", "email", addresses[:1], call="after the merge")
run("delete_lead", [second, 9])
run("get_lead_by_id", second, call="after its deletion")
run("get_deleted_leads", sinceDatetime=since)

run("get_form_by_id", 1179)
run("get_form_by_name", "MarketplaceLeadBackend")
run("get_forms")
run("get_form_fields", 1179)
run("get_daily_usage")
run("get_last_7_days_usage")
run("get_daily_errors")
run("get_last_7_days_errors")
run("get_multiple_leads_by_list_id", 1)
run("get_smart_campaigns_by_lead_id", first)
summary.print()
