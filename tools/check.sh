#!/bin/bash
# All that CI runs, in the order of what fails soonest. Stops at the first failure and names it.
set -euo pipefail
cd "$(dirname "$0")/.."
py=.venv/bin/python
# The tests start many processes: each would compile all anew.
unset PYTHONDONTWRITEBYTECODE

step() {
    local name="$1"
    shift
    echo "— $name"
    "$@" || {
        echo "cxcenter: failed: $name" >&2
        exit 1
    }
}

production() {
    env CX_ENV=production SECRET_KEY="$($py -c 'import secrets; print(secrets.token_urlsafe(64))')" \
        ALLOWED_HOSTS=cx.example.com PUBLIC_URL=https://cx.example.com DEMO=off \
        DATABASE_URL=postgresql://cx@db.example.com/cx REDIS_URL=redis://redis.example.com/0 "$@"
}

step "style" $py -m ruff check .
step "format" $py -m ruff format --check .
step "types" $py -m mypy
step "directions of imports" .venv/bin/lint-imports
# Without a database it cannot compare with what was applied, and says so: that is not asked here.
step "migrations" $py -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
step "catalogs" $py tools/messages.py check
step "production settings" production $py manage.py check --deploy --fail-level WARNING
step "tests" $py -m pytest --numprocesses 2 --cov --cov-report=term:skip-covered "$@"
