"""Every call of msal that a confidential or public client without a browser makes; prints what each returned."""

import json
import sys

import msal

tenant, application, secret, public, user, password, resource = sys.argv[1:]
AUTHORITY = "https://login.microsoftonline.com/"
SCOPES = [f"{resource}/.default"]


def told(answer):
    return {
        name: value for name, value in answer.items() if name not in {"access_token", "refresh_token", "id_token"}
    } | {"has": sorted({"access_token", "refresh_token", "id_token"} & answer.keys())}


done = {}
confidential = msal.ConfidentialClientApplication(application, secret, AUTHORITY + tenant)
done["acquire_token_for_client"] = told(confidential.acquire_token_for_client(SCOPES))
done["acquire_token_for_client again"] = told(confidential.acquire_token_for_client(SCOPES))
wrong = msal.ConfidentialClientApplication(application, "wrong", AUTHORITY + tenant)
done["a wrong secret"] = told(wrong.acquire_token_for_client(SCOPES))
people = msal.PublicClientApplication(public, authority=AUTHORITY + "organizations")
done["acquire_token_by_username_password"] = told(people.acquire_token_by_username_password(user, password, SCOPES))
accounts = people.get_accounts()
done["get_accounts"] = [account["username"] for account in accounts]
if accounts:
    done["acquire_token_silent"] = told(
        people.acquire_token_silent_with_error(SCOPES, accounts[0], force_refresh=True) or {}
    )
done["a wrong password"] = told(people.acquire_token_by_username_password(user, "wrong", SCOPES))
print(json.dumps(done, default=str))
