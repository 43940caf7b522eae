"""``leadkeeper leads found``: somebody looked for a lead that may have arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.leads.printing import called
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, say, spoken
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.state_words import DELIVERIES

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.services import Services
    from leadkeeper.views import DeliveryView

commands = typer.Typer()


@commands.command()
def found(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery, as leads show names it.")],
    json: AsJson = False,
) -> None:
    """Say that a lead which may have arrived is there: you looked for it and found it."""
    language = spoken_language()

    async def here(services: Services) -> DeliveryView:
        return await services.leads.redelivery.found_there(delivery, by=BY, language=language)

    async def there(remote: Remote) -> DeliveryView:
        from leadkeeper.views import DeliveryView

        return await remote.post(f"/v1/deliveries/{quote(delivery, safe='')}/found", DeliveryView)

    view = ask(lambda: with_services(here), there)
    if json:
        print_json(view)
    else:
        say(f"{called(view)}: {spoken(DELIVERIES[view.state])}")
