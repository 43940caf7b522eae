"""The credentials of azure-identity that need no browser; prints what each returned or raised."""

import json
import sys

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

tenant, application, secret, resource = sys.argv[1:]
done = {}
for name, value in (("get_token", secret), ("a wrong secret", "wrong")):
    try:
        token = ClientSecretCredential(tenant, application, value).get_token(f"{resource}/.default")
        done[name] = {"token": token.token.count(".") == 2, "expires_on": token.expires_on}
    except ClientAuthenticationError as error:
        done[name] = {"raised": str(error)}
print(json.dumps(done))
