#!/bin/sh
# A fleet that enrols on this machine: see infra/demo/README.md for the arguments.
set -eu
cd "$(dirname "$0")/.."
infra/build.sh infra/demo
exec infra/demo/bin/Release/net10.0/controlplane-demo "$@"
