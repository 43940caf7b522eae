"""Settings in force: where each comes from, and that no secret is among them."""

from __future__ import annotations

import threading

import pytest
from pydantic import SecretStr

from leadkeeper.access.in_force import MASK, Origin, SettingInForce, in_force
from leadkeeper.settings import Settings, WrongSetting, load_settings
from tests.languages import PORTUGUESE


def found(settings: Settings, **environment: str) -> dict[str, SettingInForce]:
    return {each.name.removeprefix("LEADKEEPER_"): each for each in in_force(settings, environment)}


def test_each_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_HOST", "0.0.0.0")
    every = found(Settings(port=9_000), LEADKEEPER_HOST="0.0.0.0")
    assert (every["HOST"].value, every["HOST"].origin, every["HOST"].default) == (
        "0.0.0.0",
        Origin.ENVIRONMENT,
        "127.0.0.1",
    )
    assert (every["PORT"].value, every["PORT"].origin) == ("9000", Origin.GIVEN)
    assert (every["METRICS_OPEN"].value, every["METRICS_OPEN"].origin) == ("false", Origin.DEFAULT)
    assert all(each.help for each in every.values())


def test_reading_settings_opens_no_database() -> None:
    before = {*threading.enumerate()}
    Settings(_env_file=None, database_url="sqlite+aiosqlite:///leads.db")
    assert {*threading.enumerate()} <= before, "what an earlier test began may end meanwhile"


def test_every_line_of_help_is_told_in_portuguese() -> None:
    every = found(Settings())
    assert [name for name, each in every.items() if not PORTUGUESE.can_tell(each.help)] == []
    assert PORTUGUESE.tell(every["QUOTA_HOOKS"].help) == "Um publicador: máximo de hooks ao todo."


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "eighty", "O valor precisa ser um número inteiro"),
        ("FORM_LIMIT", "often", "use um número e um tempo, como 20/minute"),
        ("DATABASE_URL", "mysql://db", "mysql não é suportado"),
        ("SMTP_URL", "smtp://a?b", "não é um servidor de e-mail"),
        ("MAIL_FROM", "nobody", "use leads@contoso.example ou"),
        ("LOGO_FILE", "none.png", "esse arquivo não existe ou não pode ser lido"),
        ("ACCENT_COLOR", "blue", "escreva uma cor como #rrggbb"),
        ("WITHHELD_DOMAINS", "a b", "não é um domínio de e-mail"),
        ("OIDC_GROUPS", "sellers", "não tem a forma grupo=operator"),
        ("CAPTCHA", "turnstile", "CAPTCHA precisa de"),
    ],
)
def test_a_wrong_setting_is_told_in_portuguese(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"LEADKEEPER_{name}", value)
    with pytest.raises(WrongSetting) as refused:
        load_settings()
    told = PORTUGUESE.tell(refused.value.args[0])
    assert told.startswith(f"LEADKEEPER_{name}: ")
    assert says in told
    assert str(refused.value) != told, "the log says it in English"


def test_every_setting_is_there() -> None:
    assert [each.name for each in in_force(Settings(), {})] == [
        f"LEADKEEPER_{name.upper()}" for name in Settings.model_fields
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+asyncpg://ada:hunter2@db/leads", f"postgresql+asyncpg://{MASK}@db/leads"),
        ("postgresql+asyncpg://db/leads?user=ada&password=hunter2", f"postgresql+asyncpg://db/leads?{MASK}"),
        ("sqlite+aiosqlite:///leads.db", "sqlite+aiosqlite:///leads.db"),
    ],
)
def test_the_databases_password_is_not_shown(url: str, shown: str) -> None:
    assert found(Settings(database_url=url))["DATABASE_URL"].value == shown


def test_secrets_are_masked() -> None:
    settings = Settings(
        smtp_url=SecretStr("smtp://ada:hunter2@mail.example"),
        captcha="turnstile",
        captcha_site_key="site",
        captcha_secret=SecretStr("hunter2"),
        database_url="postgresql+asyncpg://ada:hunter2@db/leads",
    )
    every = found(settings)
    assert "hunter2" not in repr(every)
    assert every["SMTP_URL"].value == MASK
    assert every["SECRET_KEY"].value == ""
