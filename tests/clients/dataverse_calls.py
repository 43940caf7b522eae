"""Every call of PowerPlatform-Dataverse-Client that has to do with leads; prints what each returned or raised.

``dataverse_calls.py TENANT APPLICATION SECRET RESOURCE CAMPAIGN``: the environment has an alternate key on
``emailaddress1``, the application may delete, and ``CAMPAIGN`` is there.
"""

import sys
import warnings

from azure.identity import ClientSecretCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.models import UpsertItem, col, raw
from telling import Notified

tenant, application, secret, resource, campaign = sys.argv[1:]
MISSING = "00000000-0000-4000-8000-000000000000"
warnings.simplefilter("ignore", DeprecationWarning)  # its older calls still send what they sent
summary = Notified()
call = summary.call
client = DataverseClient(resource, ClientSecretCredential(tenant, application, secret))
stranger = DataverseClient(resource, ClientSecretCredential(tenant, application, "wrong"))
records, query, tables = client.records, client.query, client.tables


def record(found):
    return None if found is None else found.to_dict() | {"etag": found.etag}


def rows(found):
    return [each.to_dict() for each in found]


def subjects(*where, **more):
    asked = query.builder("lead").select("subject").order_by("subject")
    for each in where:
        asked = asked.where(each)
    return [each["subject"] for each in asked.execute()]


def batch(fill, **options):
    asked = client.batch.new()
    fill(asked)
    return [
        {"status": each.status_code, "id": each.entity_id, "data": each.data, "code": each.error_code}
        | {"content_id": each.content_id}
        for each in asked.execute(**options).responses
    ]


call("records.create with a wrong secret", stranger.records.create, "lead", {"LastName": "x"})
ada = {"Subject": "Ada", "LastName": "Lovelace", "LeadSourceCode": "Word of Mouth", "numberofemployees": 3}
made = call("records.create", records.create, "lead", ada) or MISSING
call("records.create of a text that is too long", records.create, "lead", {"lastname": "x" * 51})
call("records.create of an unknown column", records.create, "lead", {"lastname": "x", "new_nothing": "y"})
bound = {"lastname": "Bound", "subject": "Bound", "campaignid@odata.bind": f"/campaigns({campaign})"}
call("records.create with a reference", records.create, "lead", bound)
several = [{"subject": name, "lastname": "King", "jobtitle": "O'Hara"} for name in ("Bert", "Carl", "Dora", "Emil")]
many = call("records.create many", records.create, "lead", several) or [MISSING] * 4
call("records.create many with one that is wrong", records.create, "lead", [several[0], {"subject": "x" * 301}])

call("records.retrieve", lambda: record(records.retrieve("lead", made, select=["Subject", "leadsourcecode"])))
call("records.retrieve all columns", lambda: sorted(records.retrieve("lead", made).keys()))
call(
    "records.retrieve with formatted values",
    lambda: record(records.retrieve("lead", made, select=["leadsourcecode"], include_annotations="*")),
)
call("records.retrieve of none", lambda: record(records.retrieve("lead", MISSING)))
call("records.get", lambda: record(records.get("lead", made, select=["subject"])))
wanted = {"select": ["subject"], "orderby": ["subject desc"]}
kings = col("lastname") == "King"
call("records.list", lambda: rows(records.list("lead", filter=kings, top=2, **wanted)))
call("records.list in pages", lambda: rows(records.list("lead", page_size=1, count=True, **wanted)))
call(
    "records.list_pages",
    lambda: [rows(each) for each in records.list_pages("lead", filter=kings, page_size=3, **wanted)],
)

call("query.builder and", lambda: subjects(kings, col("subject").contains("ar")))
call("query.builder or", lambda: subjects((col("subject") == "Ada") | col("subject").startswith("B")))
call("query.builder not", lambda: subjects(kings, ~col("subject").endswith("t")))
call("query.builder in", lambda: subjects(col("subject").in_(["Bert", "Dora"])))
call("query.builder not in", lambda: subjects(kings, col("subject").not_in(["Bert", "Dora"])))
call("query.builder between", lambda: subjects(col("numberofemployees").between(2, 4)))
call("query.builder of nothing filled in", lambda: subjects(kings, col("mobilephone").is_null()))
call("query.builder with a quotation mark", lambda: subjects(col("jobtitle") == "O'Hara", col("subject") > "C"))
call("query.builder by id", lambda: subjects(raw(f"leadid eq {made}")))
call("query.builder of an unknown column", lambda: subjects(col("new_nothing") == 1))
formatted = query.builder("lead").select("leadsourcecode").where(raw(f"leadid eq {made}")).include_formatted_values()
call("query.builder formatted values", lambda: rows(formatted.execute()))
paged = query.builder("lead").select("subject").where(kings).order_by("subject").page_size(2).count()
call("query.builder execute_pages", lambda: [[each["subject"] for each in page] for page in paged.execute_pages()])
call("query.builder to_dataframe", lambda: list(query.builder("lead").select("subject").to_dataframe().columns))
call("query.sql", lambda: rows(query.sql("SELECT subject FROM lead")))
xml = "<fetch><entity name='lead'><attribute name='subject'/></entity></fetch>"
call("query.fetchxml", lambda: rows(query.fetchxml(xml).execute()))
call("query.sql_columns", query.sql_columns, "lead")
call("query.odata_select", query.odata_select, "lead")
call("query.odata_expands", query.odata_expands, "lead")
call("query.odata_expand", query.odata_expand, "lead", "campaign")
call("query.odata_bind", query.odata_bind, "lead", "campaign", campaign)

call("records.update", records.update, "lead", made, {"JobTitle": "Countess"})
call("records.update of none", records.update, "lead", MISSING, {"jobtitle": "x"})
call("records.update many alike", records.update, "lead", many[:2], {"jobtitle": "King"})
call("records.update many", records.update, "lead", many[:2], [{"fax": "1"}, {"fax": "2"}])
call("records.update many with one that is none", records.update, "lead", [many[0], MISSING], {"fax": "3"})
call("what was updated", lambda: rows(records.list("lead", filter="fax ne null", select=["fax", "jobtitle"])))
jean = UpsertItem({"emailaddress1": "jean@example.com"}, {"subject": "Jean", "lastname": "O'Neill"})
call("records.upsert", records.upsert, "lead", [jean])
call("records.upsert again", records.upsert, "lead", [UpsertItem(jean.alternate_key, {"subject": "Jean II"})])
two = [UpsertItem({"emailaddress1": f"{name}@example.com"}, {"subject": f"{name} III"}) for name in ("jean", "kay")]
call("records.upsert many", records.upsert, "lead", two)
call("records.upsert by what is no key", records.upsert, "lead", [UpsertItem({"fax": "1"}, {"subject": "x"})])
mails = {"filter": "emailaddress1 ne null", "select": ["emailaddress1", "subject"], "orderby": ["emailaddress1"]}
call("what was upserted", lambda: rows(records.list("lead", **mails)))


def writing(asked):
    asked.records.create("lead", {"subject": "Batch", "lastname": "B", "emailaddress1": "b@example.com"})
    asked.records.create("lead", [{"subject": "Batch 2", "lastname": "B"}, {"subject": "Batch 3", "lastname": "B"}])
    asked.records.update("lead", made, {"fax": "9"})
    asked.records.retrieve("lead", made, select=["fax"])
    asked.records.list("lead", filter="startswith(subject,'Batch')", select=["subject"], page_size=2, count=True)
    asked.records.upsert("lead", [UpsertItem({"emailaddress1": "b@example.com"}, {"subject": "Batch 1"})])
    asked.tables.get("lead")


def together(asked, last_name="C"):
    with asked.changeset() as changes:
        made_here = changes.records.create("lead", {"subject": "Change", "lastname": "C"})
        changes.records.update("lead", made_here, {"jobtitle": "Changed"})
        changes.records.create("lead", {"subject": "Change", "lastname": last_name})


def failing(asked):
    asked.records.retrieve("lead", MISSING, select=["fax"])
    asked.records.retrieve("lead", made, select=["fax"])


call("batch", batch, writing)
call("batch changeset", batch, together)
call("batch changeset that fails as one", batch, lambda asked: together(asked, "x" * 51), continue_on_error=True)
changed = {"filter": "subject eq 'Change'", "select": ["jobtitle"], "orderby": ["jobtitle"]}
call("what the batches changed", lambda: rows(records.list("lead", **changed)))
call("batch that goes on", batch, failing, continue_on_error=True)

frame = client.dataframe
call("dataframe.get", lambda: sorted(frame.get("lead", select=["subject"], top=2).columns))
ids = call(
    "dataframe.create", lambda: list(frame.create("lead", frame.get("lead", select=["lastname"], top=2)[["lastname"]]))
)

call("tables.get", lambda: tables.get("Lead").to_dict())
call("tables.get of none", tables.get, "account")
call("tables.list", lambda: [each["LogicalName"] for each in tables.list()])
narrowed = {"filter": "SchemaName eq 'Lead'", "select": ["LogicalName"]}
call("tables.list with a filter", lambda: tables.list(**narrowed))
call("tables.list_columns", lambda: tables.list_columns("lead"))
texts = {"filter": "AttributeType eq 'String'", "select": ["LogicalName", "SchemaName"]}
call("tables.list_columns with a filter", lambda: tables.list_columns("lead", **texts))
call("tables.list_columns typed", lambda: tables.list_columns("lead", typed=True))
call("tables.get_column", tables.get_column, "lead", "LastName")
call("tables.get_column typed", lambda: tables.get_column("lead", "lastname", typed=True))
call("tables.get_column of none", tables.get_column, "lead", "new_nothing")
call("tables.get_alternate_keys", lambda: [each.key_attributes for each in tables.get_alternate_keys("lead")])
call("tables.list_table_relationships", lambda: tables.list_table_relationships("lead"))
call("tables.list_relationships", lambda: [each["SchemaName"] for each in tables.list_relationships()])
call("tables.get_relationship", lambda: tables.get_relationship("campaign_leads").referenced_entity)
call("tables.create", tables.create, "new_Thing", {"new_Size": "int"})
call("tables.add_columns", tables.add_columns, "lead", {"new_Size": "int"})
call("tables.create_alternate_key", tables.create_alternate_key, "lead", "new_key", ["fax"])
call("files.upload", client.files.upload, "lead", made, "new_file", __file__)

call("records.delete", records.delete, "lead", made)
call("records.delete again", records.delete, "lead", made)
call("records.delete one by one", lambda: records.delete("lead", many[:2], use_bulk_delete=False))
call("records.delete many", records.delete, "lead", many[2:] + list(ids or []))
call("what is left", lambda: rows(records.list("lead", filter=kings, select=["subject"])))
summary.print()
