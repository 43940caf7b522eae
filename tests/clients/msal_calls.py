"""Every call of msal that a confidential or public client without a browser makes; prints what each returned.

``msal_calls.py TENANT APPLICATION SECRET PUBLIC_APPLICATION USER PASSWORD RESOURCE``
"""

import sys

import msal
from telling import Notified

tenant, application, secret, public, user, password, resource = sys.argv[1:]
AUTHORITY = "https://login.microsoftonline.com/"
SCOPES = [f"{resource}/.default"]
SECRETS = {"access_token", "refresh_token", "id_token"}
summary = Notified()


def call(name, do, *args, **options):
    """Make the call; its answer is told without its tokens, of which only the names."""

    def bare():
        answer = do(*args, **options)
        if not isinstance(answer, dict):
            return answer
        return {each: message for each, message in answer.items() if each not in SECRETS} | {
            "has": sorted(SECRETS & {*answer})
        }

    return summary.call(name, bare)


confidential = msal.ConfidentialClientApplication(application, secret, AUTHORITY + tenant)
call("acquire_token_for_client", confidential.acquire_token_for_client, SCOPES)
call("acquire_token_for_client again", confidential.acquire_token_for_client, SCOPES)
call("remove_tokens_for_client", confidential.remove_tokens_for_client)
call("acquire_token_for_client after they were removed", confidential.acquire_token_for_client, SCOPES)
wrong = msal.ConfidentialClientApplication(application, "wrong", AUTHORITY + tenant)
call("acquire_token_for_client with a wrong secret", wrong.acquire_token_for_client, SCOPES)
people = msal.PublicClientApplication(public, authority=AUTHORITY + "organizations")
by_password = people.acquire_token_by_username_password
call("acquire_token_by_username_password", by_password, user, password, SCOPES)
call("acquire_token_by_username_password with a wrong password", by_password, user, "wrong", SCOPES)
call("get_accounts", lambda: [account["username"] for account in people.get_accounts()])
(account,) = people.get_accounts()
call("acquire_token_silent", people.acquire_token_silent, SCOPES, account)
call(
    "acquire_token_silent_with_error by the refresh token",
    people.acquire_token_silent_with_error,
    SCOPES,
    account,
    force_refresh=True,
)
refresh = people.acquire_token_by_username_password(user, password, SCOPES)["refresh_token"]
call("acquire_token_by_refresh_token", people.acquire_token_by_refresh_token, refresh, SCOPES)
call("acquire_token_by_refresh_token of nobody", people.acquire_token_by_refresh_token, "nobody's", SCOPES)
call("remove_account", people.remove_account, account)
call("get_accounts after it was removed", people.get_accounts)
summary.print()
