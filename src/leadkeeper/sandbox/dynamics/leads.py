"""What a caller may do with the leads of an environment: create, upsert, update, read, delete."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.annotations import beside, preference
from leadkeeper.sandbox.dynamics.caller import DONE, JSON_HEADERS, Caller
from leadkeeper.sandbox.dynamics.errors import STATES, Refused
from leadkeeper.sandbox.dynamics.filter import condition
from leadkeeper.sandbox.dynamics.organization import CREATE, DELETE, READ, WRITE, Lead
from leadkeeper.sandbox.dynamics.payload import checked, json_object, typed
from leadkeeper.sandbox.dynamics.query import Page, alternate_key, check_options, ordered, selected
from leadkeeper.sandbox.dynamics.schema import ENTITY, Attribute, guid
from leadkeeper.sandbox.stand_in import Answer, Request

PAGE: Final = 5_000

_ON_WRITE: Final = frozenset({"plugInAborts", "duplicateFound", "duplicateFound500", "unexpectedError", "sqlTimeout"})


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

    def find(self, key: str) -> Lead:
        """The lead with ``key``, which is there."""
        return self._there(self._key(key))

    def _there(self, lead_id: str) -> Lead:
        lead = self._organization.leads.get(lead_id)
        if lead is None:
            raise Refused(errors.NO_RECORD, entity=ENTITY, id=lead_id)
        return lead

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

    def _payload(self) -> dict[str, object]:
        return dict(self._keyed) | typed(self._caller, json_object(self._request.body))

    def _post(self) -> Answer:
        values = self._payload()
        self._caller.demand(CREATE)
        lead_id = str(values.get("leadid") or uuid.uuid4()).lower()
        taken = checked(self._caller, values, None)
        if lead_id in self._organization.leads:
            raise Refused(errors.DUPLICATE_KEY)
        return self._created(lead_id, taken)

    def _patch(self, lead_id: str) -> Answer:
        values = self._payload()
        only_create, only_update = self._conditions()
        lead = self._organization.leads.get(lead_id)
        self._demand_for_patch(only_create=only_create is not None, only_update=only_update is not None)
        if only_update is not None and only_update not in {"*", self._there(lead_id).etag}:
            raise Refused(errors.VERSION)
        if only_create is not None and lead is not None:
            code_empty = self._caller.state == "upsertCodeEmpty"
            raise Refused(errors.KEYS_EXIST_NO_CODE if code_empty else errors.KEYS_EXIST)
        self._check_id(values, lead_id, creating=lead is None)
        taken = checked(self._caller, values, lead)
        return self._created(lead_id, taken) if lead is None else self.change(lead, taken)

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
        return self._written(self._organization.create(lead_id, values, self._caller.member), 201)

    def change(self, lead: Lead, values: Mapping[str, object]) -> Answer:
        """Write ``values``, which fit, into a lead that is there."""
        self._check_before_writing()
        self._organization.update(lead, values, self._caller.member)
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
        return DONE.with_headers({"OData-EntityId": entity_id})

    def _get(self, lead_id: str) -> Answer:
        check_options(self._request.query, {"$select"})
        self._caller.demand(READ)
        names = self._selection()
        lead = self._there(lead_id)
        if not self._organization.may_read(lead, self._caller.member):
            raise Refused(errors.NO_READ_ACCESS, user=self._caller.member.id)
        if self._request.headers.get("if-none-match") == lead.etag:
            return Answer(304, headers={"OData-Version": "4.0", "ETag": lead.etag})
        headers = JSON_HEADERS | {"ETag": lead.etag} | self._annotated()
        return Answer.json(200, self._shown(lead, names), headers)

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
        applied = ",".join({**page.applied, **self._annotated("annotations")}.values())
        return Answer.json(200, body, JSON_HEADERS | ({"Preference-Applied": applied} if applied else {}))

    def _annotated(self, name: str = "Preference-Applied") -> dict[str, str]:
        message = preference(self._request)
        return {} if message is None else {name: message}

    def _found(self) -> list[Lead]:
        """The leads of ``$filter`` in the order of ``$orderby``."""
        query, known = self._request.query, self._columns
        fits = condition(query["$filter"], known, ENTITY) if "$filter" in query else None
        leads = [lead for lead in self._organization.leads.values() if fits is None or fits(lead.record)]
        leads = [lead for lead in leads if self._organization.may_read(lead, self._caller.member)]
        return ordered(leads, query.get("$orderby"), known)

    def count(self) -> Answer:
        """The number of leads, as ``leads/$count`` says it."""
        check_options(self._request.query, {"$filter"})
        self._caller.demand(READ)
        return Answer.text(200, "\ufeff" + str(min(len(self._found()), PAGE)), {"OData-Version": "4.0"})

    def _delete(self, lead_id: str) -> Answer:
        self._caller.demand(DELETE)
        if self._request.headers.get("if-match", "*") not in {"*", self._there(lead_id).etag}:
            raise Refused(errors.VERSION)
        del self._organization.leads[lead_id]
        return DONE

    @cached_property
    def _columns(self) -> dict[str, Attribute]:
        return {name: each for name, each in self._organization.attributes.items() if each.readable}

    def _selection(self) -> list[str] | None:
        return selected(self._request.query, self._columns, ENTITY)

    def _shown(self, lead: Lead, names: list[str] | None, *, alone: bool = True) -> dict[str, object]:
        columns = self._columns
        shown: dict[str, object] = {}
        if alone:
            shown["@odata.context"] = f"{self._caller.base}$metadata#leads{_named(names)}/$entity"
        shown["@odata.etag"] = lead.etag
        for name in columns if names is None else ["leadid", *names]:
            value = lead.record.get(name)
            shown |= {name: value} | beside(self._request, columns[name], value)
        return shown

    def _check_id(self, values: dict[str, object], lead_id: str, *, creating: bool) -> None:
        """The id stands in the address; in the body it may be repeated on create only."""
        if "leadid" in values and (not creating or str(values["leadid"]).lower() != lead_id):
            raise Refused(errors.BAD_ARGUMENT, reason="The primary key of an existing record cannot be changed.")


def _named(names: list[str] | None) -> str:
    return "" if names is None else f"({','.join(names)})"
