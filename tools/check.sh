#!/bin/bash
# All that CI runs. Stops at the first failure and names it.
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

# Types take as long as all that stands between: they are checked beside it.
types=$(mktemp)
$py -m mypy >"$types" 2>&1 &
checking=$!
trap 'kill $checking 2>/dev/null || true; rm -f "$types"' EXIT

typed() {
    wait $checking || {
        cat "$types"
        return 1
    }
}

step "style" $py -m ruff check .
step "format" $py -m ruff format --check .
step "directions of imports" .venv/bin/lint-imports
# Without a database it cannot compare with what was applied, and says so: that is not asked here.
step "migrations" $py -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
step "catalogs" $py tools/messages.py check
step "production settings" production $py manage.py check --deploy --fail-level WARNING
step "types" typed
step "tests" $py -m pytest --numprocesses 2 "$@"
