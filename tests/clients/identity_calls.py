"""Every credential of azure-identity that needs no browser and no machine of Azure's; prints what each call returned.

``identity_calls.py TENANT APPLICATION SECRET PUBLIC_APPLICATION USER PASSWORD RESOURCE``
"""

import os
import sys
import warnings

from azure.identity import (
    ChainedTokenCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    EnvironmentCredential,
    UsernamePasswordCredential,
)
from telling import Notified

tenant, application, secret, public, user, password, resource = sys.argv[1:]
warnings.simplefilter("ignore", DeprecationWarning)  # of sign-ins by password, which still send what they sent
os.environ |= {"AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": application, "AZURE_CLIENT_SECRET": secret}
scope = f"{resource}/.default"
summary = Notified()


def token(credential):
    found = credential.get_token(scope)
    return {"parts": found.token.count("."), "expires": found.expires_on}


def info(credential):
    found = credential.get_token_info(scope)
    return {"parts": found.token.count("."), "expires": found.expires_on, "type": found.token_type}


by_secret = ClientSecretCredential(tenant, application, secret)
summary.call("ClientSecretCredential.get_token", token, by_secret)
summary.call("ClientSecretCredential.get_token again", token, by_secret)
summary.call("ClientSecretCredential.get_token_info", info, by_secret)
wrong = ClientSecretCredential(tenant, application, "wrong")
summary.call("ClientSecretCredential.get_token with a wrong secret", token, wrong)
nowhere = ClientSecretCredential("11111111-2222-4333-8444-555555555555", application, secret)
summary.call("ClientSecretCredential.get_token in an unknown tenant", token, nowhere)
summary.call("EnvironmentCredential.get_token", token, EnvironmentCredential())
summary.call("ChainedTokenCredential.get_token", token, ChainedTokenCredential(by_secret))
summary.call("DefaultAzureCredential.get_token", token, DefaultAzureCredential())
person = {"client_id": public, "username": user, "tenant_id": tenant}
summary.call("UsernamePasswordCredential.get_token", token, UsernamePasswordCredential(**person, password=password))
summary.call(
    "UsernamePasswordCredential.get_token with a wrong password",
    token,
    UsernamePasswordCredential(**person, password="wrong"),
)
summary.print()
