"""Connection strings in every form that Azure hands out, and where leads may go with them."""

from __future__ import annotations

import base64
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.destinations.azure_storage.account import (
    DEVELOPMENT_ACCOUNT,
    DEVELOPMENT_KEY,
    ConnectionStringError,
    Service,
    StorageAccount,
    is_account_permitted,
    parse_connection_string,
)
from leadkeeper.network.client import NetworkPolicy

KEY = "c2VjcmV0LWtleS1vZi1jb250b3NvLWxlYWRzLTEyMzQ1Njc4OTA="
SIGNATURE = "8ZxY%2Bq1secretsecretsecretsecret0123456789%3D"
SAS = f"sv=2022-11-02&ss=t&srt=sco&sp=rwdlacu&se=2030-01-01T00:00:00Z&spr=https&sig={SIGNATURE}"
PORTAL = {"DefaultEndpointsProtocol": "https", "AccountName": "contosoleads", "AccountKey": KEY}


def joined(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (joined(PORTAL), "https://contosoleads.table.core.windows.net"),
        (joined(PORTAL) + ";", "https://contosoleads.table.core.windows.net"),
        (joined(PORTAL | {"EndpointSuffix": "core.windows.net"}), "https://contosoleads.table.core.windows.net"),
        (
            joined(PORTAL | {"EndpointSuffix": "core.chinacloudapi.cn"}) + ";",
            "https://contosoleads.table.core.chinacloudapi.cn",
        ),
        (
            f" accountname=ContosoLeads ; ACCOUNTKEY={KEY} ; endpointsuffix=core.usgovcloudapi.net ",
            "https://contosoleads.table.core.usgovcloudapi.net",
        ),
        (
            joined(PORTAL | {"TableEndpoint": "https://contosoleads.z12.table.storage.azure.net/"}),
            "https://contosoleads.z12.table.storage.azure.net",
        ),
        (
            joined(
                {"DefaultEndpointsProtocol": "https", "AccountName": "contoso-leads-cosmos", "AccountKey": KEY}
                | {"TableEndpoint": "https://contoso-leads-cosmos.table.cosmos.azure.com:443/"}
            ),
            "https://contoso-leads-cosmos.table.cosmos.azure.com",
        ),
        (
            joined(PORTAL | {"TableEndpoint": "https://127.0.0.1:10002/contosoleads"}),
            "https://127.0.0.1:10002/contosoleads",
        ),
    ],
)
def test_a_key_in_any_form(text: str, endpoint: str) -> None:
    account = parse_connection_string(text, Service.TABLE)
    assert account.endpoint == endpoint
    assert account.key == KEY
    assert account.name is not None
    assert account.name.lower() == account.name
    assert KEY not in repr(account)


def test_a_shared_access_signature_needs_no_account_name() -> None:
    text = f"BlobEndpoint=https://c.blob.core.windows.net/;TableEndpoint=https://c.table.core.windows.net/;SharedAccessSignature=?{SAS}"
    account = parse_connection_string(text, Service.TABLE)
    assert (account.endpoint, account.key, account.sas) == ("https://c.table.core.windows.net", None, SAS)
    assert account.permissions == "rwdlacu"
    assert SIGNATURE in account.secrets
    assert "8ZxY+q1secretsecretsecretsecret0123456789=" in account.secrets
    assert SIGNATURE not in repr(account)
    assert parse_connection_string(text, Service.BLOB).host == "c.blob.core.windows.net"


def test_a_signature_with_the_account_s_name_and_a_stored_policy() -> None:
    account = parse_connection_string(
        f"AccountName=contosoleads;SharedAccessSignature=si=p&sig={SIGNATURE}", Service.TABLE
    )
    assert account.endpoint == "https://contosoleads.table.core.windows.net"
    assert account.permissions is None


@pytest.mark.parametrize("text", ["UseDevelopmentStorage=true", "usedevelopmentstorage=TRUE;"])
def test_the_emulator_by_its_short_name(text: str) -> None:
    account = parse_connection_string(text, Service.TABLE)
    assert account == StorageAccount(
        "http://127.0.0.1:10002/devstoreaccount1", DEVELOPMENT_ACCOUNT, key=DEVELOPMENT_KEY
    )
    elsewhere = parse_connection_string(f"{text};DevelopmentStorageProxyUri=http://[::1]", Service.BLOB)
    assert elsewhere.endpoint == "http://[::1]:10000/devstoreaccount1"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "empty"),
        (" ; ", "empty"),
        ("hello", "Part 1"),
        (f"AccountName=contosoleads;{KEY}", "Part 2"),
        (f"AccountName=contosoleads;Password={KEY}", "Part 2"),
        (joined(PORTAL) + f";AccountKey={KEY}", "AccountKey occurs twice"),
        (joined(PORTAL | {"AccountKey": ""}), "AccountKey is empty"),
        (joined(PORTAL | {"AccountKey": KEY[:-2]}), "AccountKey is not complete base64"),
        (joined(PORTAL | {"AccountKey": "*********"}), "AccountKey is not complete base64"),
        (joined(PORTAL | {"AccountKey": "schlüssel"}), "AccountKey is not complete base64"),
        (f"AccountKey={KEY}", "AccountName"),
        (f"TableEndpoint=https://a.table.core.windows.net;AccountKey={KEY}", "AccountName is missing"),
        ("AccountName=contosoleads", "AccountKey (or SharedAccessSignature) is missing"),
        (joined(PORTAL | {"AccountName": "ab"}), "AccountName is not"),
        (joined(PORTAL | {"AccountName": "contoso-leads"}), "AccountName is not"),
        (joined(PORTAL | {"AccountName": "evil.example/x?"}), "AccountName is not"),
        (joined(PORTAL | {"DefaultEndpointsProtocol": "http"}), "DefaultEndpointsProtocol must be https"),
        (joined(PORTAL | {"EndpointSuffix": "evil.example/x"}), "EndpointSuffix"),
        (joined(PORTAL | {"EndpointSuffix": "evil.example?x"}), "EndpointSuffix"),
        (joined(PORTAL | {"EndpointSuffix": "x@evil.example"}), "EndpointSuffix"),
        (joined(PORTAL | {"TableEndpoint": "http://c.table.core.windows.net"}), "TableEndpoint"),
        (joined(PORTAL | {"TableEndpoint": "https://user:pass@c.table.core.windows.net"}), "TableEndpoint"),
        (joined(PORTAL | {"TableEndpoint": f"https://c.table.core.windows.net?{SAS}"}), "TableEndpoint"),
        (joined(PORTAL | {"TableEndpoint": "https://2130706433/"}), "TableEndpoint"),
        (f"TableEndpoint=https://c.table.core.windows.net;SharedAccessSignature={SAS[:20]}", "SharedAccessSignature"),
        (f"AccountName=contosoleads;SharedAccessSignature={SAS} x", "SharedAccessSignature"),
        (f"BlobEndpoint=https://c.blob.core.windows.net;SharedAccessSignature={SAS}", "TableEndpoint"),
        ("UseDevelopmentStorage=false", "UseDevelopmentStorage"),
        (f"UseDevelopmentStorage=true;AccountKey={KEY}", "UseDevelopmentStorage"),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://evil.example", "DevelopmentStorageProxyUri"),
    ],
)
def test_what_cannot_be_used_is_named_and_never_repeated(text: str, names: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        parse_connection_string(text, Service.TABLE)
    message = str(raised.value)
    assert names in message
    assert KEY[:12] not in message
    assert SIGNATURE[:12] not in message
    assert "evil" not in message


@given(
    st.permutations(
        [*PORTAL, "EndpointSuffix"],
    ),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.binary(min_size=1, max_size=64),
    st.booleans(),
)
def test_order_case_and_trailing_semicolon_do_not_matter(
    order: list[str], upper: list[bool], secret: bytes, trailing: bool
) -> None:
    key = base64.b64encode(secret).decode()
    values = PORTAL | {"AccountKey": key, "EndpointSuffix": "core.windows.net"}
    text = ";".join(
        f"{name.upper() if up else name.lower()}={values[name]}" for name, up in zip(order, upper, strict=True)
    )
    account = parse_connection_string(text + ";" * trailing, Service.TABLE)
    assert account == StorageAccount("https://contosoleads.table.core.windows.net", "contosoleads", key=key)


@given(st.text(), st.sampled_from(list(Service)))
def test_any_text_gives_an_account_or_an_error_of_ours(text: str, service: Service) -> None:
    try:
        account = parse_connection_string(text, service)
    except ConnectionStringError:
        return
    assert account.host


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=8))
def test_no_error_repeats_a_key(key: str) -> None:
    try:
        parse_connection_string(f"AccountName=contosoleads;AccountKey={key}", Service.TABLE)
    except ConnectionStringError as error:
        assert key not in str(error)  # noqa: PT017 (most keys are refused, some are not)


LOOPBACK = NetworkPolicy(allow_addresses=(ip_network("127.0.0.0/8"),))
MAPPED = NetworkPolicy(hosts={"*.stack.example": ("10.1.2.3", None), "leads.example": ("10.1.2.4", 443)})


@pytest.mark.parametrize(
    ("endpoint", "policy", "permitted"),
    [
        ("https://a.table.core.windows.net", NetworkPolicy(), True),
        ("https://a.table.cosmos.azure.com", NetworkPolicy(), True),
        ("https://evilcore.windows.net", NetworkPolicy(), False),
        ("https://a.table.core.windows.net.evil.example", NetworkPolicy(), False),
        ("https://leads.example", NetworkPolicy(), False),
        ("https://leads.example", MAPPED, True),
        ("https://a.table.stack.example", MAPPED, True),
        ("https://stack.example", MAPPED, False),
        ("https://127.0.0.1:10002/a", NetworkPolicy(), False),
        ("https://127.0.0.1:10002/a", LOOPBACK, True),
        ("http://127.0.0.1:10002/a", LOOPBACK, True),
        ("http://localhost:10002/a", LOOPBACK, True),
        ("http://localhost:10002/a", NetworkPolicy(), False),
        ("https://192.0.2.1/a", LOOPBACK, False),
        ("https://20.60.0.1/a", NetworkPolicy(), False),
    ],
)
def test_where_leads_may_go(endpoint: str, policy: NetworkPolicy, permitted: bool) -> None:
    assert is_account_permitted(StorageAccount(endpoint, "a", key=KEY), policy) is permitted
