"""Tests, by what they need: unit, contracts, journeys, browser; house watches the project itself."""
