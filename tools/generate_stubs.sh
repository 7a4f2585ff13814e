#!/usr/bin/env bash
# Writes python/imgcomp/_core.pyi from the installed extension module; --check only compares and
# fails where the committed stub is stale. Needs imgcomp installed and the dev extra.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Away from the source folder, so that the installed package is the one that is read.
(cd "$work" && python -c '
import sys
import imgcomp  # checks torch and loads it, as the extension module needs
from pybind11_stubgen import main
main(["imgcomp._core", "--output-dir", "stubs", "--exit-code"])')
stub="$work/stubs/imgcomp/_core.pyi"
# The version is a fact of the build, not of the interface.
sed -i "s/^__version__: str = .*/__version__: str/" "$stub"
ruff format --quiet --config pyproject.toml "$stub"
if [ "${1:-}" = "--check" ]; then
    diff -u python/imgcomp/_core.pyi "$stub" || {
        echo "python/imgcomp/_core.pyi is stale: run tools/generate_stubs.sh" >&2
        exit 1
    }
else
    # Kept in step atomically: an editor or type checker may be reading it.
    cp "$stub" python/imgcomp/_core.pyi.new
    mv python/imgcomp/_core.pyi.new python/imgcomp/_core.pyi
fi
