"""Measurements that are read from the database: every process of an installation finds the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Figure(Collector):
    """One gauge. Unlike prometheus-client's it stands in no file that processes share: what is gone is gone at once."""

    def __init__(self, name: str, summary: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name, self._summary, self._labels = name, summary, labels
        self._values: dict[tuple[str, ...], float] = {}
        registry.register(self)

    def set(self, value: float, *labels: str) -> None:
        """The value for these labels."""
        self._values[labels] = value

    def clear(self) -> None:
        """Nothing is known."""
        self._values.clear()

    def collect(self) -> Iterable[Metric]:
        """As prometheus-client asks for it."""
        family = GaugeMetricFamily(self._name, self._summary, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        return [family]
