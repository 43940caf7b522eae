"""The event loop of tests: when it closes, nothing of its test is left for a later one to stumble over."""

from __future__ import annotations

import asyncio
from typing import Final

_ROUNDS: Final = 20


class EndingLoop(asyncio.SelectorEventLoop):
    """Ends what still runs before it closes.

    ``asyncio.Runner`` cancels the tasks that it finds and closes the loop, whatever they began while they ended and
    whichever peer was amid its handshake. What is left suspended then is thrown away by a garbage collection within
    some later test, which fails for it (a greenlet that is thrown away while a syntax tree is built even breaks that).
    """

    def close(self) -> None:
        """Cancel tasks until there are none, drop every connection, then close."""
        if not self.is_closed() and not self.is_running():
            for _ in range(_ROUNDS):
                tasks = asyncio.all_tasks(self)
                if not tasks:
                    break
                for task in tasks:
                    task.cancel()
                self.run_until_complete(asyncio.wait(tasks, timeout=1))
            for _ in range(_ROUNDS):  # what waited at a listening socket comes in meanwhile
                open_ = [each for each in getattr(self, "_transports", {}).values() if each._sock is not None]
                for transport in open_:
                    transport.abort()
                for task in asyncio.all_tasks(self):
                    task.cancel()
                self.run_until_complete(asyncio.sleep(0))
                if not open_ and not asyncio.all_tasks(self):
                    break
        super().close()


class EndingLoops(asyncio.DefaultEventLoopPolicy):
    """Each loop that anybody makes ends in this way: those of commands run within a test, and of servers in threads."""

    _loop_factory = EndingLoop
