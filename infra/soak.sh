#!/bin/sh
# Faults over a running overlay: --minutes N, --seed S, --nodes M. Ends with the checker's table; the exit code is 0 if nothing is wrong.
set -eu
cd "$(dirname "$0")/.."
infra/build.sh tests/RecordedSilo
exec tests/Chaos/bin/Release/net10.0/controlplane-soak "$@"
