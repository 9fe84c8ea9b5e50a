# The commands of this project. `make run` and `make test` need Python 3.11 or newer and make, nothing else.

PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test cover bench lint format lock messages vendor clean packages dev-packages browser

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: packages ## the whole product: databases, web, workers, demo data; Ctrl-C stops it (PORT=8000, DEMO=off|on|live)
	@exec $(PY) manage.py up

test: dev-packages browser ## all that CI runs
	@tools/check.sh

cover: dev-packages browser ## the tests, and which lines of the product they do not run
	@$(PY) -m pytest --numprocesses 2 --cov --cov-report=term:skip-covered

bench: dev-packages browser ## measure against the bars; one group with NAME=first
	@tools/install.sh requirements-bench.txt
	@$(PY) -m tests.bench $(NAME)

lint: dev-packages ## style, types, directions of imports
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy && .venv/bin/lint-imports

format: dev-packages ## put the style right
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

LOCK := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links
lock: dev-packages ## pin what requirements*.in name, with hashes
	@$(LOCK) -o requirements.txt requirements.in
	@$(LOCK) -o requirements-asr.txt requirements-asr.in
	@$(LOCK) -o requirements-s3.txt requirements-s3.in
	@$(LOCK) -o requirements-dev.txt requirements-dev.in
	@$(LOCK) --no-deps -o requirements-bench.txt requirements-bench.in

messages: dev-packages ## gather the texts into the catalogs and compile them
	@$(PY) tools/messages.py update

vendor: packages ## fetch the front end's files again, as pinned
	@$(PY) tools/vendor.py

clean: ## remove all that can be made again; the data in var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* var/static
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.mo' -exec rm {} +

packages:
	@tools/install.sh requirements.txt

dev-packages:
	@tools/install.sh requirements.txt requirements-asr.txt requirements-s3.txt requirements-dev.txt

browser:
	@tools/need.sh
