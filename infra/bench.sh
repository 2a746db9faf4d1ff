#!/bin/sh
# Benchmarks: --filter NAME runs those whose name contains NAME, --json FILE writes all figures, --list names them.
set -eu
cd "$(dirname "$0")/.."
infra/build.sh tests/Benchmarks
exec tests/Benchmarks/bin/Release/net10.0/ControlPlane.Benchmarks "$@"
