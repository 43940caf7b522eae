"""How a client's program tells what its calls returned or raised: by name, as JSON."""

import json


class Notified:
    """``call`` makes one; what was ``said`` (as JSON knows it) or ``raised`` is printed at the end, by its name."""

    def __init__(self):
        self._done = {}

    def call(self, name, do, *args, **options):
        """Make the call; answers what it returned, None when it raised."""
        try:
            message = do(*args, **options)
        except Exception as error:
            code = getattr(error, "code", None) or getattr(error, "status", None)
            text = str(getattr(error, "content", None) or error)
            self._done[name] = {"raised": type(error).__name__, "code": code, "text": text}
            return None
        self._done[name] = {"message": message}
        return message

    def print(self):
        """All of it."""
        print(json.dumps(self._done, default=str))
