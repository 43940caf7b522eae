"""Tests, by what they need: unit, contracts, journeys, browser; `tests.house` watches the project itself."""
