"""How the log names an error that is our own: by class and line, since its text may hold personal data."""

from __future__ import annotations


def where(error: BaseException) -> str:
    """The class of an error and the line it came from: its text may hold personal data, so it is not logged."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
