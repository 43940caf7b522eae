"""The table ``lead`` of the stand-in beside Microsoft's reference of the table (Dynamics 365 Sales, 02/17/2023)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.microsoft import LEAD, WebApi, api

__all__ = ["api"]


ATTRIBUTES: Final = "EntityDefinitions(LogicalName='lead')/Attributes"
NEW: Final = {"leadid": LEAD, "subject": "Offer", "firstname": "Ada", "lastname": "King"}


@pytest.fixture
async def columns(api: WebApi) -> dict[str, dict[str, Any]]:
    """Every column as metadata shows it, by logical name."""
    return {each["LogicalName"]: each for each in (await api("GET", ATTRIBUTES)).json["value"]}


async def typed(api: WebApi, kind: str, names: str = "") -> dict[str, dict[str, Any]]:
    path = f"{ATTRIBUTES}/Microsoft.Dynamics.CRM.{kind}AttributeMetadata"
    found = await api("GET", path + (f"?$select=LogicalName,{names}" if names else ""))
    return {each["LogicalName"]: each for each in found.json["value"]}


async def test_every_column_of_the_reference_is_there(columns: dict[str, dict[str, Any]]) -> None:
    assert len(columns) == 196
    for name in (
        "address1_latitude", "estimatedvalue", "exchangerate", "revenue_base", "utcconversiontimezonecode",
        "entityimage", "relatedobjectid", "msdyn_gdproptout", "msdyn_segmentid", "owneridname", "customeridtype",
    ):  # fmt: skip
        assert name in columns
    assert "relatedobjectiveid" not in columns


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("businesscard", "Memo"),
        ("address1_composite", "Memo"),
        ("timespentbymeonemailandmeetings", "String"),
        ("versionnumber", "BigInt"),
        ("statecode", "State"),
        ("statuscode", "Status"),
        ("ownerid", "Owner"),
        ("customerid", "Customer"),
        ("campaignid", "Lookup"),
        ("address2_longitude", "Double"),
        ("exchangerate", "Decimal"),
        ("customeridtype", "EntityName"),
    ],
)
async def test_kinds(columns: dict[str, dict[str, Any]], name: str, kind: str) -> None:
    assert columns[name]["AttributeType"] == kind


async def test_names(columns: dict[str, dict[str, Any]]) -> None:
    shown = {name: columns[name]["SchemaName"] for name in ("emailaddress1", "address1_upszone", "msdyn_leadscore")}
    assert [*shown.values()] == ["EMailAddress1", "Address1_UPSZone", "msdyn_LeadScore"]
    labels = [columns[name]["DisplayName"]["UserLocalizedLabel"]["Label"] for name in ("subject", "address2_city")]
    assert labels == ["Topic", "Address 2: City"]
    assert columns["owneridname"]["AttributeOf"] == "ownerid"


async def test_how_much_each_is_required(columns: dict[str, dict[str, Any]]) -> None:
    levels = {name: columns[name]["RequiredLevel"]["Value"] for name in ("subject", "firstname", "leadid", "fax")}
    assert [*levels.values()] == ["ApplicationRequired", "Recommended", "SystemRequired", "None"]


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("statecode", (False, True, True)),
        ("leadid", (True, False, True)),
        ("importsequencenumber", (True, False, True)),
        ("lastusedincampaign", (False, True, True)),
        ("createdon", (False, False, True)),
        ("isprivate", (False, False, False)),
    ],
)
async def test_what_it_is_valid_for(columns: dict[str, dict[str, Any]], name: str, valid: tuple[bool, ...]) -> None:
    assert tuple(columns[name][f"IsValidFor{each}"] for each in ("Create", "Update", "Read")) == valid


async def test_ranges(api: WebApi) -> None:
    whole = await typed(api, "Integer", "MinValue,MaxValue")
    assert (whole["address1_utcoffset"]["MinValue"], whole["address1_utcoffset"]["MaxValue"]) == (-1500, 1500)
    money = await typed(api, "Money", "MinValue,MaxValue,Precision")
    assert (money["revenue"]["MaxValue"], money["budgetamount"]["MaxValue"]) == (100_000_000_000_000, 1_000_000_000_000)
    assert (money["revenue_base"]["MinValue"], money["revenue"]["Precision"]) == (-922_337_203_685_477, 2)
    double = await typed(api, "Double", "MinValue,MaxValue")
    assert (double["address1_latitude"]["MinValue"], double["address1_longitude"]["MaxValue"]) == (-90, 180)


async def test_choices(api: WebApi) -> None:
    path = f"{ATTRIBUTES}/Microsoft.Dynamics.CRM.%sAttributeMetadata?$select=LogicalName&$expand=OptionSet"
    found = {each["LogicalName"]: each["OptionSet"] for each in (await api("GET", path % "Picklist")).json["value"]}
    options = {each["Value"]: each["Label"]["UserLocalizedLabel"]["Label"] for each in found["industrycode"]["Options"]}
    assert (len(options), options[31]) == (33, "Utility Creation and Distribution")
    assert "statecode" not in found
    status = (await api("GET", path % "Status")).json["value"][0]["OptionSet"]["Options"]
    assert [(each["Value"], each["State"]) for each in status] == [
        (1, 0), (2, 0), (3, 1), (4, 2), (5, 2), (6, 2), (7, 2),
    ]  # fmt: skip
    flags = {each["LogicalName"]: each["OptionSet"] for each in (await api("GET", path % "Boolean")).json["value"]}
    assert flags["donotemail"]["TrueOption"]["Label"]["UserLocalizedLabel"]["Label"] == "Do Not Allow"


async def test_references_name_their_tables(api: WebApi) -> None:
    found = await typed(api, "Lookup", "Targets")
    assert found["customerid"]["Targets"] == ["account", "contact"]
    assert found["campaignid"]["Targets"] == ["campaign"]


async def test_a_new_record_has_what_the_system_fills_in(api: WebApi, sandbox: Sandbox) -> None:
    assert (await api("POST", "leads", NEW)).status == 204
    found = (await api("GET", f"leads({LEAD})")).json
    me = sandbox.stand_in(Dynamics).organizations["org.crm4.dynamics.com"].members[APPLICATION].id
    assert (found["fullname"], found["statecode"], found["statuscode"]) == ("Ada King", 0, 1)
    assert (found["donotemail"], found["followemail"], found["merged"]) == (False, True, False)
    assert (found["_ownerid_value"], found["_createdby_value"]) == (me, me)
    assert f'W/"{found["versionnumber"]}"' == found["@odata.etag"]
    assert not {"isprivate", "customeridtype", "owneridname", "campaignid"} & found.keys()
    assert (await api("GET", "leads?$select=isprivate")).status == 400
    listed = await api("GET", "leads?$select=subject&$filter=statecode%20eq%200%20and%20contains(fullname,'da%20k')")
    assert len(listed.json["value"]) == 1


async def test_a_state_brings_its_status(api: WebApi) -> None:
    await api("POST", "leads", NEW | {"statecode": 2})
    assert (await api("GET", f"leads({LEAD})?$select=statecode")).json["statecode"] == 0  # not valid for create
    for body, status in (({"statecode": 2}, 4), ({"statecode": 2, "statuscode": 5}, 5), ({"statecode": 0}, 1)):
        assert (await api("PATCH", f"leads({LEAD})", body)).status == 204
        found = (await api("GET", f"leads({LEAD})?$select=statecode,statuscode")).json
        assert (found["statecode"], found["statuscode"]) == (body["statecode"], status)
    refused = await api("PATCH", f"leads({LEAD})", {"statecode": 0, "statuscode": 3})
    assert (refused.status, refused.json["error"]["code"]) == (400, "0x80048408")


@pytest.mark.parametrize(
    ("name", "value"),
    [("address1_latitude", 90.5), ("address1_utcoffset", -1501), ("revenue", 1e15), ("budgetamount", -1)],
)
async def test_numbers_out_of_range(api: WebApi, name: str, value: float) -> None:
    assert (await api("POST", "leads", NEW | {name: value})).status == 400
