#!/bin/sh
# A virtual environment with exactly the locked packages: venv.sh FOLDER
set -eu
venv=$1
say() { printf '✗ %s\n' "$*" >&2; exit 1; }
fits() { command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }
has_venv() { "$1" -c 'import ensurepip' 2>/dev/null; }

# The system's first: distributions build Python with a profile, which makes it some 15 % faster than
# what version managers build.
python=
for candidate in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
  fits "$candidate" || continue
  python=${python:-$candidate}
  if has_venv "$candidate"; then python=$candidate; break; fi
done
[ -n "$python" ] || say 'Shipway needs Python 3.11 or newer on PATH; found none'
if ! has_venv "$python"; then
  # Debian keeps it in a package of its own.
  package=$("$python" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")')
  [ "$(id -u)" = 0 ] || say "Python's venv is missing; run as root: apt-get install $package"
  { apt-get update && apt-get install --yes --no-install-recommends "$package"; } >&2
fi

echo "  installing the locked packages into $venv, once …"
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
