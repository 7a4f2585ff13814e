#!/usr/bin/env bash
# Rebuilds the extension module of an editable install in place (first: pip install
# --no-build-isolation -e .). Compiles what changed and puts the result where Python finds it.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -d build/editable ]; then
    echo "no build/editable: run 'pip install --no-build-isolation --no-deps -e .' first" >&2
    exit 1
fi
# One build at a time: two in one folder overwrite each other's files.
exec 9>build/editable/.rebuild.lock
if command -v flock >/dev/null; then flock 9; fi
cmake --build build/editable "$@"
cmake --install build/editable --prefix "$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"
