"""Every call of HubSpot's own client that has to do with leads; prints what each returned.

hubspot_calls.py TOKEN: the account is empty and has leads.
"""

import sys

from hubspot import HubSpot
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from telling import Notified

summary = Notified()
there = HubSpot(access_token=sys.argv[1])
stranger = HubSpot(access_token="pat-na1-nobody")


def run(name, function, *args, call="", **options):
    def asked():
        answer = function(*args, **options)
        return answer.to_dict() if hasattr(answer, "to_dict") else answer

    return summary.call(f"{name} {call}".strip(), asked)


def create_input(**properties):
    return SimplePublicObjectInputForCreate(properties=properties, associations=[])


contacts = there.crm.contacts
run("contacts.basic_api.get_page", stranger.crm.contacts.basic_api.get_page, call="with a wrong token")
ada = {"email": "ada@analytical.example", "firstname": "Ada", "lastname": "Lovelace"}
made = run("contacts.basic_api.create", contacts.basic_api.create, create_input(**ada)) or {"id": "1"}
first = made["id"]
run("contacts.basic_api.create", contacts.basic_api.create, create_input(**ada), call="again")
run(
    "contacts.basic_api.create",
    contacts.basic_api.create,
    create_input(email="x@navy.example", shoe="44"),
    call="wrong",
)
run("contacts.basic_api.get_by_id", contacts.basic_api.get_by_id, first, properties=["email", "city"])
run("contacts.basic_api.get_by_id", contacts.basic_api.get_by_id, ada["email"], id_property="email", call="by address")
run("contacts.basic_api.get_by_id", contacts.basic_api.get_by_id, "7", call="of none")
change = SimplePublicObjectInput(properties={"city": "London"})
run("contacts.basic_api.update", contacts.basic_api.update, first, change)
run("contacts.basic_api.get_page", contacts.basic_api.get_page, limit=1)

inputs = [
    {"id": each, "idProperty": "email", "properties": {"city": "Paris"}} for each in ("a@navy.example", ada["email"])
]
run("contacts.batch_api.upsert", contacts.batch_api.upsert, BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))
asked = [{"id": each} for each in (ada["email"], "nobody@navy.example")]
read = BatchReadInputSimplePublicObjectId(
    inputs=asked, id_property="email", properties=["email", "city"], properties_with_history=[]
)
run("contacts.batch_api.read", contacts.batch_api.read, read)
traced = [
    {"properties": {"email": "b@navy.example"}, "associations": [], "objectWriteTraceId": "one"},
    {"properties": {"shoe": "44"}, "associations": [], "objectWriteTraceId": "two"},
]
create = BatchInputSimplePublicObjectBatchInputForCreate(inputs=traced)
run("contacts.batch_api.create", contacts.batch_api.create, create)
changes = [{"id": first, "properties": {"city": "Rome"}}]
run("contacts.batch_api.update", contacts.batch_api.update, BatchInputSimplePublicObjectBatchInput(inputs=changes))
run("contacts.search_api.do_search", contacts.search_api.do_search, PublicObjectSearchRequest(limit=5))

types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}]
ties = [{"to": {"id": first}, "types": types}]
new = SimplePublicObjectInputForCreate(properties={"hs_lead_name": "Ada"}, associations=ties)
lead = run("objects.basic_api.create", there.crm.objects.basic_api.create, "leads", new) or {"id": "1"}
bare = create_input(hs_lead_name="Ada")
run("objects.basic_api.create", there.crm.objects.basic_api.create, "leads", bare, call="without a contact")
tied = there.crm.associations.v4.basic_api.get_page
run("associations.v4.basic_api.get_page", tied, "leads", lead["id"], "contacts")
run("properties.core_api.get_all", there.crm.properties.core_api.get_all, "contacts")
run("properties.core_api.get_by_name", there.crm.properties.core_api.get_by_name, "leads", "hs_lead_name")

second = run(
    "contacts.basic_api.create", contacts.basic_api.create, create_input(email="c@navy.example"), call="second"
)
other = (second or {"id": "2"})["id"]
merge = PublicMergeInput(primary_object_id=first, object_id_to_merge=other)
run("contacts.basic_api.merge", contacts.basic_api.merge, merge)
run("contacts.basic_api.archive", contacts.basic_api.archive, first)
gone = BatchInputSimplePublicObjectId(inputs=[{"id": first}])
run("contacts.batch_api.archive", contacts.batch_api.archive, gone)

summary.print()
