# One word for everything; `make` alone lists the words. What a word does is in scripts/.

ARGS ?=

PYTHON_READY := .venv/.ready
NODE_READY   := node_modules/.ready
STATIC_READY := src/leadkeeper/doors/static/icons.svg
DOCS_READY   := src/leadkeeper/doors/static/docs/index.html

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench docs screenshots texts lock clean services

help: ## List these words
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r word does; do printf 'make %-11s  %s\n' "$$word" "$$does"; done

setup: $(PYTHON_READY) $(STATIC_READY) $(DOCS_READY) ## Put the program and its tools into .venv and node_modules
	@:

demo: setup ## Play the whole story on a sandbox, with a page to look at
	@.venv/bin/leadkeeper demo $(ARGS)

test: services ## Run every test (ARGS='-k word' some, WORKERS=0 in one process)
	@scripts/test $(ARGS)

check: $(PYTHON_READY) ## Format, lint, types, imports, house rules
	@scripts/check

bench: services ## Measure: leads kept and carried a second
	@.venv/bin/python -m bench $(ARGS)

docs: $(PYTHON_READY) ## Build the documentation into build/site
	@scripts/docs $(ARGS)

screenshots: services ## Picture the main pages into build/screenshots (ARGS=--docs: docs/images anew)
	@scripts/screenshots $(ARGS)

texts: $(PYTHON_READY) ## Gather the texts of the sources into the catalogues (ARGS=eo: begin that language)
	@scripts/texts $(ARGS)

lock: $(PYTHON_READY) ## Renew the lock files from pyproject.toml and package.json (ARGS=--upgrade: newest versions)
	@scripts/lock $(ARGS)

clean: ## Remove what these words made; databases and keys stay
	rm -rf .venv .venv-client node_modules build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +

services: setup
	@scripts/setup-postgresql
	@scripts/setup-test-services
	@scripts/setup-chromium
	@scripts/setup-client

$(PYTHON_READY): pyproject.toml requirements/test.txt
	@scripts/setup-python
	@touch $@

$(NODE_READY): package.json package-lock.json .npmrc scripts/setup-node
	@scripts/setup-node
	@touch $@

# Made after the packages: what pages are dressed in, which the program serves from its own folder.
$(STATIC_READY): $(NODE_READY) scripts/build-static.mjs src/leadkeeper/doors/portal/icons.txt
	@node scripts/build-static.mjs
	@touch $@

$(DOCS_READY): mkdocs.yml scripts/mkdocs_hooks.py scripts/setup-docs $(wildcard *.md docs/*.md docs/*/*.md docs/*/*/*.md) | $(PYTHON_READY)
	@scripts/setup-docs
