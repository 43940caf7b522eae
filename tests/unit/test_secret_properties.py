"""What looks like a secret, by its name and by its shape; in time that grows with the text's length alone."""

from __future__ import annotations

import pytest

from leadkeeper.publishing.secret_properties import is_secret_name, secret_shape
from tests.costs import least_seconds

SECRET = (
    *("accountKey", "sharedAccessKey", "connectionString", "storageaccountconnectionstring", "password", "PASSWORD"),
    *("secret", "clientSecret", "client_secret", "client-secret", "token", "accessToken", "SASToken", "sas", "apiKey"),
    *("microsoft-azure-marketplace-testdrive.azureAppKey", "x.storage_account_key", "primaryAccessKey", "dbPwd"),
)
HARMLESS = (
    *("passwordPolicy", "resetPasswordUrl", "tokenizer", "secretary", "keyBenefits", "key", "primaryKey", "keywords"),
    *("connectionStringHelp", "maxTokens", "signature", "design", "microsoft-azure-marketplace.summary", "", "..."),
)
FLOODS = (
    "eyJ-",
    "eyJ.",
    "eyJaaaaaaa.",
    "Password=",
    ";Password=a",
    "AccountKey=",
    "?sig=",
    "a" * 85 + "==",
    "lk_-",
    "://a:",
    "-----BEGIN ",
)


@pytest.mark.parametrize("name", SECRET)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_names(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "text", ["https://user:hunter22@db.example/x", ";Pwd=hunter22;", "lk_" + "x" * 43, "AKIA" + "A" * 16]
)
def test_shapes(text: str) -> None:
    assert secret_shape(text) is not None


@pytest.mark.parametrize(
    "text",
    ["https://contoso.example:443/@ada", "Pwd=", "a password=maybe", "eyJhbGciOiJI.eyJ.x", "x" * 86 + "==="],
)
def test_shapes_of_something_else(text: str) -> None:
    assert secret_shape(text) is None


@pytest.mark.parametrize("flood", FLOODS)
def test_sixteen_times_the_text_takes_about_sixteen_times_as_long(flood: str) -> None:
    def took(size: int) -> float:
        text = flood * (size // len(flood))
        return least_seconds(lambda: secret_shape(text))

    # Quadratic, it would be 256 times as long. What is larger than the processor's cache takes up to twice as long.
    assert took(1 << 19) < 64 * max(took(1 << 15), 0.0002)
