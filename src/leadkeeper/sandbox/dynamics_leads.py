"""What a caller may do with the leads of an environment: create, upsert, update, read."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox import dynamics_errors as errors
from leadkeeper.sandbox.dynamics_errors import STATES, Refused
from leadkeeper.sandbox.dynamics_filter import condition
from leadkeeper.sandbox.dynamics_organization import (
    APPEND,
    APPEND_TO_CAMPAIGN,
    CREATE,
    DELETE,
    METADATA,
    READ,
    WRITE,
    Lead,
    Member,
    Organization,
)
from leadkeeper.sandbox.dynamics_query import Page, alternate_key, check_options, ordered, selected
from leadkeeper.sandbox.dynamics_schema import ENTITY, guid
from leadkeeper.sandbox.stand_in import Answer, Request

JSON_HEADERS: Final = {
    "Content-Type": "application/json; odata.metadata=minimal",
    "OData-Version": "4.0",
}
PAGE: Final = 5_000

_CAMPAIGN: Final = re.compile(r"(?:https://[^/]+/api/data/v9\.\d)?/?campaigns\((?P<id>[^)]*)\)")
_BIND: Final = "campaignid@odata.bind"
_ON_WRITE: Final = frozenset({"plugInAborts", "duplicateFound", "duplicateFound500", "unexpectedError", "sqlTimeout"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, where, and in which state of the stand-in."""

    organization: Organization
    member: Member
    state: str
    base: str

    @property
    def privileges(self) -> frozenset[str]:
        """The member's privileges as they are in this state."""
        match self.state:
            case "privilegeMissing":
                return self.member.privileges - {CREATE}
            case "createOnly" | "createOnlyUpsert":
                return self.member.privileges & {CREATE}
            case "metadataForbidden":
                return self.member.privileges - {METADATA}
            case _:
                return self.member.privileges

    def demand(self, *wanted: str) -> None:
        """Raises :class:`Refused` for the first privilege that is missing."""
        if CREATE in wanted and self.state == "accessDenied":
            raise Refused(errors.ACCESS, user=self.member.id)
        for each in wanted:
            self.organization.demand(self.member, self.privileges, each)

    @property
    def secured(self) -> frozenset[str]:
        """The columns that the member may not fill in this state."""
        return self.member.secured | ({"leadsourcecode"} if self.state == "fieldForbidden" else frozenset())


class Leads:
    """The entity set ``leads`` as one caller meets it. Every method raises :class:`Refused`."""

    def __init__(self, caller: Caller, request: Request) -> None:
        self._caller = caller
        self._organization = caller.organization
        self._request = request
        self._represented = "return=representation" in request.headers.get("prefer", "")
        self._keyed: Mapping[str, object] = {}

    def answer(self, key: str | None) -> Answer:
        """Do what the request asks of the set, or of the lead with ``key``."""
        call = (self._request.method, key is not None)
        lead_id = self._key(key) if key is not None else ""
        match call:
            case ("POST", False):
                return self._post()
            case ("GET", False):
                return self._list()
            case ("PATCH", True):
                return self._patch(lead_id)
            case ("GET", True):
                return self._get(lead_id)
            case ("DELETE", True):
                return self._delete(lead_id)
            case _:
                raise Refused(errors.NO_METHOD, method=self._request.method)

    def _key(self, text: str) -> str:
        """The id of the lead that ``text`` names: an id, or an alternate key; a new id when no lead has that key."""
        found = guid(text.removeprefix("leadid="))
        if found is not None:
            return found
        values = alternate_key(text)
        if values is None:
            raise Refused(errors.BAD_SYNTAX)
        if tuple(sorted(values)) not in self._organization.keys:
            raise Refused(errors.NO_ALTERNATE_KEY)
        for lead_id, lead in self._organization.leads.items():
            if all(str(lead.values.get(name)).casefold() == str(value).casefold() for name, value in values.items()):
                return lead_id
        if self._request.method != "PATCH":
            raise Refused(errors.NO_KEY, entity=ENTITY)
        self._keyed = values
        return str(uuid.uuid4())

    def _post(self) -> Answer:
        values = self._payload()
        self._caller.demand(CREATE)
        lead_id = str(values.get("leadid") or uuid.uuid4()).lower()
        self._check_values(values, creating=True)
        if lead_id in self._organization.leads:
            raise Refused(errors.DUPLICATE_KEY)
        return self._created(lead_id, values)

    def _patch(self, lead_id: str) -> Answer:
        values = self._payload()
        only_create, only_update = self._conditions()
        lead = self._organization.leads.get(lead_id)
        self._demand_for_patch(only_create=only_create is not None, only_update=only_update is not None)
        if only_update is not None:
            if lead is None:
                raise Refused(errors.NO_RECORD, entity=ENTITY, id=lead_id)
            if only_update not in {"*", lead.etag}:
                raise Refused(errors.VERSION)
        if only_create is not None and lead is not None:
            code_empty = self._caller.state == "upsertCodeEmpty"
            raise Refused(errors.KEYS_EXIST_NO_CODE if code_empty else errors.KEYS_EXIST)
        self._check_id(values, lead_id, creating=lead is None)
        self._check_values(values, creating=lead is None)
        return self._created(lead_id, values) if lead is None else self._updated(lead, values)

    def _conditions(self) -> tuple[str | None, str | None]:
        """``If-None-Match`` (create only) and ``If-Match`` (update only)."""
        only_create, only_update = (self._request.headers.get(name) for name in ("if-none-match", "if-match"))
        if only_create == "null":  # Microsoft's samples send it, against answers from a cache
            only_create = None
        if only_create not in {None, "*"} or (only_create and only_update):
            raise Refused(errors.BAD_ARGUMENT, reason="If-None-Match of a PATCH is * and stands alone.")
        return only_create, only_update

    def _demand_for_patch(self, *, only_create: bool, only_update: bool) -> None:
        wants_write = self._organization.upsert_wants_write and self._caller.state != "createOnlyUpsert"
        if only_update:
            self._caller.demand(WRITE)
        elif only_create and not wants_write:
            self._caller.demand(CREATE)
        else:
            self._caller.demand(CREATE, WRITE)

    def _created(self, lead_id: str, values: Mapping[str, object]) -> Answer:
        asked = self._request.headers.get("mscrm.suppressduplicatedetection", "").lower() == "false"
        if asked and self._organization.finds_duplicates and self._organization.has_duplicate(values):
            raise Refused(errors.DUPLICATE_412)
        self._check_before_writing()
        lead = self._organization.create(lead_id, values)
        return self._written(lead, 201)

    def _updated(self, lead: Lead, values: Mapping[str, object]) -> Answer:
        self._check_before_writing()
        self._organization.update(lead, values)
        return self._written(lead, 200)

    def _check_before_writing(self) -> None:
        """What else can refuse a write: the state, and a wish to see the record that cannot be granted."""
        self._selection()
        if self._represented:
            self._caller.demand(READ)
        error = STATES[self._caller.state].error if self._caller.state in _ON_WRITE else None
        if error is not None:
            raise Refused(error)

    def _written(self, lead: Lead, status: int) -> Answer:
        if self._represented:
            shown = self._shown(lead, self._selection())
            return Answer.json(status, shown, JSON_HEADERS | {"Preference-Applied": "return=representation"})
        entity_id = f"{self._caller.base}leads({lead.values['leadid']})"
        return Answer(204, headers={"OData-Version": "4.0", "OData-EntityId": entity_id})

    def _get(self, lead_id: str) -> Answer:
        check_options(self._request.query, {"$select"})
        self._caller.demand(READ)
        names = self._selection()
        lead = self._organization.leads.get(lead_id)
        if lead is None:
            raise Refused(errors.NO_RECORD, entity=ENTITY, id=lead_id)
        if self._request.headers.get("if-none-match") == lead.etag:
            return Answer(304, headers={"OData-Version": "4.0", "ETag": lead.etag})
        return Answer.json(200, self._shown(lead, names), JSON_HEADERS | {"ETag": lead.etag})

    def _list(self) -> Answer:
        query = self._request.query
        check_options(query, {"$select", "$top", "$filter", "$orderby", "$count", "$skiptoken"})
        self._caller.demand(READ)
        names = self._selection()
        found = self._found()
        page = Page.of(self._request, PAGE)
        shown = [self._shown(lead, names, alone=False) for lead in found[page.begin : page.end]]
        body: dict[str, object] = {"@odata.context": f"{self._caller.base}$metadata#leads{_named(names)}"}
        if query.get("$count") == "true":
            body["@odata.count"] = min(len(found), PAGE)
        body["value"] = shown
        if page.goes_on(len(found)):
            body["@odata.nextLink"] = f"{self._caller.base}leads?{page.next_query(self._request)}"
        return Answer.json(200, body, JSON_HEADERS | dict(page.applied))

    def _found(self) -> list[Lead]:
        """The leads of ``$filter`` in the order of ``$orderby``."""
        query, known = self._request.query, self._organization.attributes
        fits = condition(query["$filter"], known) if "$filter" in query else None
        leads = [lead for lead in self._organization.leads.values() if fits is None or fits(lead.values)]
        return ordered(leads, query.get("$orderby"), known)

    def count(self) -> Answer:
        """The number of leads, as ``leads/$count`` says it."""
        check_options(self._request.query, {"$filter"})
        self._caller.demand(READ)
        return Answer.text(200, "\ufeff" + str(min(len(self._found()), PAGE)), {"OData-Version": "4.0"})

    def _delete(self, lead_id: str) -> Answer:
        self._caller.demand(DELETE)
        lead = self._organization.leads.get(lead_id)
        if lead is None:
            raise Refused(errors.NO_RECORD, entity=ENTITY, id=lead_id)
        if self._request.headers.get("if-match", "*") not in {"*", lead.etag}:
            raise Refused(errors.VERSION)
        del self._organization.leads[lead_id]
        return Answer(204, headers={"OData-Version": "4.0"})

    def _selection(self) -> list[str] | None:
        return selected(self._request.query, self._organization.attributes, _TYPE)

    def _shown(self, lead: Lead, names: list[str] | None, *, alone: bool = True) -> dict[str, object]:
        columns = list(self._organization.attributes) if names is None else ["leadid", *names]
        context = {"@odata.context": f"{self._caller.base}$metadata#leads{_named(names)}/$entity"} if alone else {}
        return context | {"@odata.etag": lead.etag} | {name: lead.values.get(name) for name in columns}

    def _payload(self) -> dict[str, object]:
        """The body with columns that exist and values of their types; the campaign as its id."""
        try:
            body = self._request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused(errors.BAD_PAYLOAD, reason="Microsoft.OData.ODataException: the body is not a JSON object.")
        values: dict[str, object] = {}
        for name, value in body.items():
            if name == _BIND:
                values["_campaignid_value"] = self._campaign(value)
                continue
            attribute = self._organization.attributes.get(name)
            if attribute is None:
                raise Refused(errors.UNKNOWN_PROPERTY, name=name, type=_TYPE)
            attribute.check_type(value)
            if attribute.writable:
                values[name] = value
        return dict(self._keyed) | values

    def _campaign(self, value: object) -> str:
        found = _CAMPAIGN.fullmatch(value) if isinstance(value, str) else None
        campaign = guid(found["id"]) if found else None
        if campaign is None:
            raise Refused(errors.BAD_PAYLOAD, reason=f"Microsoft.OData.ODataException: {_BIND} is no reference.")
        self._caller.demand(APPEND, APPEND_TO_CAMPAIGN)
        if campaign not in self._organization.campaigns:
            raise Refused(errors.NO_RECORD, entity="campaign", id=campaign)
        return campaign

    def _check_id(self, values: dict[str, object], lead_id: str, *, creating: bool) -> None:
        """The id stands in the address; in the body it may be repeated on create only."""
        if "leadid" in values and (not creating or str(values["leadid"]).lower() != lead_id):
            raise Refused(errors.BAD_ARGUMENT, reason="The primary key of an existing record cannot be changed.")

    def _check_values(self, values: Mapping[str, object], *, creating: bool) -> None:
        for name in sorted(values.keys() & self._caller.secured):
            error = errors.FIELD_CREATE if creating else errors.FIELD_UPDATE
            raise Refused(error, user=self._caller.member.id, name=name)
        for name, value in values.items():
            if name in self._organization.attributes:
                self._organization.attributes[name].check_value(value)


_TYPE: Final = ENTITY


def _named(names: list[str] | None) -> str:
    return "" if names is None else f"({','.join(names)})"
