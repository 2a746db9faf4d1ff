#!/bin/sh
# Faults over a running overlay: --minutes N, --seed S, --nodes M. Ends with the checker's table; the exit code is 0 if nothing is wrong.
set -eu
cd "$(dirname "$0")/.."
infra/prerequisites.sh
dotnet build tests/RecordedSilo --configuration Release --verbosity quiet -clp:NoSummary
exec tests/Chaos/bin/Release/net10.0/controlplane-soak "$@"
