"""Every call of simple-salesforce's Salesforce and SFType that has to do with leads; prints what each returned.

salesforce_calls.py DOMAIN KEY SECRET EXTERNAL_ID: the org holds a converted lead whose external id is "converted".
"""

import sys
from datetime import UTC, datetime, timedelta

from simple_salesforce import Salesforce, format_soql
from telling import Notified

domain, key, secret, external_id = sys.argv[1:]
summary = Notified()


def signed_in(**options):
    opened = Salesforce(**options)
    there.append(opened)
    return opened.sf_instance


def page_by_page():
    first = org.query(
        "SELECT Id FROM Lead ORDER BY LastName", headers=org.headers | {"Sforce-Query-Options": "batchSize=200"}
    )
    second = org.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    by_name = org.query_more(first["nextRecordsUrl"].rsplit("/", 1)[1])
    return [[len(page["records"]), page["done"], page["totalSize"]] for page in (first, second, by_name)]


def session_ends_and_is_renewed():
    org.session_id = "ended"
    org._generate_headers()
    return org.query("SELECT COUNT() FROM Lead")["totalSize"] > 0


there = []
summary.call("Salesforce by client credentials", signed_in, domain=domain, consumer_key=key, consumer_secret=secret)
summary.call("Salesforce with a wrong secret", signed_in, domain=domain, consumer_key=key, consumer_secret="wrong")
summary.call(
    "Salesforce at a login host",
    signed_in,
    domain="login",
    username="a",
    password="b",
    consumer_key=key,
    consumer_secret=secret,
)
org = there[0]
summary.call(
    "Salesforce by session_id", signed_in, instance_url=f"https://{org.sf_instance}/", session_id=org.session_id
)
summary.call("describe", org.describe)
summary.call("limits", org.limits)
summary.call("is_sandbox", org.is_sandbox)
summary.call("restful resources", org.restful, "")
summary.call("oauth2 userinfo", org.oauth2, "userinfo")
summary.call("Lead.describe", org.Lead.describe)
summary.call("Lead.metadata", org.Lead.metadata)

ada = {"lastname": "Lovelace", "COMPANY": "Analytical", "email": "ada@analytical.test", external_id.lower(): "ada"}
made = summary.call("Lead.create", org.Lead.create, ada) or {"id": "00Q000000000000AAA"}
summary.call("Lead.create again", org.Lead.create, ada)
summary.call("Lead.create without a company", org.Lead.create, {"LastName": "Lovelace"})
summary.call("Lead.create with an unknown field", org.Lead.create, ada | {"Shoe__c": "44"})
summary.call("Lead.create with a system field", org.Lead.create, ada | {"CreatedDate": "2026-01-01T00:00:00Z"})
summary.call("Lead.get", org.Lead.get, made["id"])
summary.call("Lead.get with 15 characters", lambda: org.Lead.get(made["id"][:15])["Id"])
summary.call("Lead.get of some fields", org.Lead.get, f"{made['id']}?fields=email,IsConverted")
summary.call("Lead.get_by_custom_id", org.Lead.get_by_custom_id, external_id, "ada")
summary.call("Lead.get_by_custom_id of none", org.Lead.get_by_custom_id, external_id, "nobody")
summary.call("Lead.update", org.Lead.update, made["id"], {"title": "Countess", "Rating": None})
summary.call("Lead.update by external id", org.Lead.update, f"{external_id}/ada", {"Phone": "1"})
summary.call("Lead.upsert", org.Lead.upsert, f"{external_id}/grace", {"LastName": "Hopper", "Company": "Navy"})
summary.call("Lead.upsert again", org.Lead.upsert, f"{external_id}/grace", {"Title": "Admiral"})
summary.call("Lead.upsert by Id", org.Lead.upsert, f"Id/{made['id']}", {"City": "London"})
summary.call("Lead.upsert of a converted lead", org.Lead.upsert, f"{external_id}/converted", {"Title": "CTO"})
summary.call("Lead.get_by_custom_id of a converted lead", org.Lead.get_by_custom_id, external_id, "converted")
for flag in ("TRUE", "FALSE"):
    person = {"LastName": flag, "Company": "Rules"}
    summary.call(f"Lead.create with Sforce-Auto-Assign {flag}", org.Lead.create, person, {"Sforce-Auto-Assign": flag})

summary.call(
    "query", org.query, format_soql("SELECT id, Name, Email FROM Lead WHERE Email = {}", "ada@analytical.test")
)
summary.call("query with LIKE", org.query, format_soql("SELECT Id FROM Lead WHERE LastName LIKE '{:like}%'", "Love"))
summary.call("query that counts", org.query, "SELECT COUNT() FROM Lead WHERE IsConverted = true")
summary.call("query of an unknown field", org.query, "SELECT Shoe__c FROM Lead")
summary.call("query of an unknown object", org.query, "SELECT Id FROM Leed")
summary.call("query that is none", org.query, "SELECT Id FROM Lead WHERE")
summary.call("query with AND beside OR", org.query, "SELECT Id FROM Lead WHERE City = 'a' AND City = 'b' OR City = 'c'")

many = [{"attributes": {"type": "Lead"}, "LastName": f"L{number:03}", "Company": "Many"} for number in range(200)]
summary.call(
    "restful composite/sobjects POST",
    lambda: [each["success"] for each in org.restful("composite/sobjects", method="POST", json={"records": many})],
)
summary.call("query_more", page_by_page)
summary.call("query_all", lambda: org.query_all("SELECT Id FROM Lead WHERE Company = 'Many'")["totalSize"])
summary.call(
    "query_all_iter", lambda: len(list(org.query_all_iter("SELECT Id FROM Lead WHERE Company = 'Many' LIMIT 7")))
)
ids = [
    each["Id"] for each in org.query("SELECT Id FROM Lead WHERE Company = 'Many' ORDER BY LastName LIMIT 3")["records"]
]
changes = [{"attributes": {"type": "Lead"}, "id": each, "City": "Many"} for each in ids]
summary.call(
    "restful composite/sobjects PATCH", org.restful, "composite/sobjects", method="PATCH", json={"records": changes}
)
summary.call(
    "restful composite/sobjects GET",
    org.restful,
    "composite/sobjects/Lead",
    params={"ids": ",".join(ids), "fields": "City"},
)
summary.call(
    "restful composite/sobjects DELETE",
    org.restful,
    "composite/sobjects",
    method="DELETE",
    params={"ids": ",".join(ids)},
)

base = f"/services/data/v{org.sf_version}/sobjects/Lead"
steps = [
    {"method": "POST", "url": f"{base}/", "referenceId": "made", "body": {"LastName": "Step", "Company": "Steps"}},
    {"method": "PATCH", "url": f"{base}/@{{made.id}}", "referenceId": "changed", "body": {"Title": "Second"}},
    {"method": "GET", "url": f"{base}/@{{made.id}}?fields=Title", "referenceId": "seen"},
    {"method": "GET", "url": f"{base}/@{{nobody.id}}", "referenceId": "lost"},
]
summary.call("restful composite", org.restful, "composite/", method="POST", json={"compositeRequest": steps})
halting = {"allOrNone": True, "compositeRequest": [steps[0], steps[3]]}
summary.call("restful composite allOrNone", org.restful, "composite", method="POST", json=halting)

summary.call("Lead.delete", org.Lead.delete, made["id"])
summary.call("Lead.get of a deleted lead", org.Lead.get, made["id"])
summary.call("Lead.delete by external id", org.Lead.delete, f"{external_id}/grace")
summary.call(
    "query include_deleted",
    lambda: org.query("SELECT Id FROM Lead WHERE IsDeleted = true", include_deleted=True)["totalSize"],
)
day = timedelta(days=1)
end = datetime.now(UTC) + timedelta(minutes=5)
summary.call("Lead.deleted", lambda: len(org.Lead.deleted(end - day, end)["deletedRecords"]))
summary.call("Lead.updated", lambda: len(org.Lead.updated(end - day, end)["ids"]))
summary.call("Salesforce whose session ended", session_ends_and_is_renewed)
summary.print()
