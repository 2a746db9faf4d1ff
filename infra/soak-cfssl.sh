#!/bin/sh
# 5,000 orders to a real cfssl that is killed, started again and frozen for 30 seconds meanwhile: about two minutes. Fails like a test.
set -eu
cd "$(dirname "$0")/.."
infra/build.sh tests/Adapters.Tests
CONTROLPLANE_SOAK_ORDERS="${CONTROLPLANE_SOAK_ORDERS:-5000}" CONTROLPLANE_SOAK_FREEZE_SECONDS="${CONTROLPLANE_SOAK_FREEZE_SECONDS:-30}" \
    exec tests/Adapters.Tests/bin/Release/net10.0/ControlPlane.Adapters.Tests -class '*CfsslOrdersTests'
