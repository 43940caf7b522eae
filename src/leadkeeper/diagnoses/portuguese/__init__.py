"""The texts of the catalogue in Portuguese, for readers in Brazil and in Portugal. Same files as in English."""

from leadkeeper.diagnoses.portuguese import (
    azure,
    common,
    dynamics,
    entra,
    https_endpoint,
    mail,
    marketo,
    not_found,
    salesforce,
)

__all__ = ["azure", "common", "dynamics", "entra", "https_endpoint", "mail", "marketo", "not_found", "salesforce"]
