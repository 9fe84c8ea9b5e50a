#!/bin/sh
# Makes .venv and installs the named requirement files into it, with hashes; does nothing if none has changed.
set -eu
cd "$(dirname "$0")/.."

say() { echo "cxcenter: $*" >&2; }

# A folder that was moved, or a Python that was removed, leaves an environment that does not run.
if ! .venv/bin/python -c '' 2>/dev/null; then
    for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 none; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
    done
    if [ "$python" = none ]; then
        say "Python 3.11 or newer is needed, and $("${PYTHON:-python3}" --version 2>/dev/null || echo no Python) was found: set PYTHON to its path"
        exit 1
    fi
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        say "the module venv of Python is missing: install it (Debian, Ubuntu: apt-get install python3-venv)"
        exit 1
    fi
    echo "Making the Python environment .venv …"
    "$python" -m venv --clear .venv || {
        say ".venv cannot be made; the reason stands above"
        exit 1
    }
fi

for list in "$@"; do
    # The stamp is a copy of what was installed.
    cmp -s "$list" ".venv/$list" && continue
    echo "Installing $list …"
    # Not compiled: half of the time, and most of it would never be imported. No dependencies: the list is
    # complete, and older pips ask the registry for the newest `name[extra]` beside the pinned `name`.
    if ! .venv/bin/python -m pip install -qq --no-compile --disable-pip-version-check --no-input \
        --no-deps --require-hashes -r "$list"; then
        say "the packages of $list cannot be installed; the reason stands above"
        exit 1
    fi
    cp "$list" ".venv/$list"
done
