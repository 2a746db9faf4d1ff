#!/bin/sh
# Sees to the programs that the tests and the demo start: nats-server, redis-server, cfssl, and what signs in by a PKCS#11 key (SoftHSM, its
# tools, OpenSSL's engine, curl); and that the .NET SDK is recent enough. Installs them when it may; otherwise says what to run.
set -eu
cd "$(dirname "$0")/.."

packages=""
command -v nats-server > /dev/null || packages="$packages nats-server"
command -v redis-server > /dev/null || packages="$packages redis-server"
command -v cfssl > /dev/null || packages="$packages golang-cfssl"
command -v softhsm2-util > /dev/null || packages="$packages softhsm2"
command -v pkcs11-tool > /dev/null || packages="$packages opensc"
command -v curl > /dev/null || packages="$packages curl"
ls /usr/lib/*/engines-3/pkcs11.so > /dev/null 2>&1 || packages="$packages libengine-pkcs11-openssl"

if [ -n "$packages" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing programs; install them with: sudo apt-get install -y$packages" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    echo "installing$packages"
    # shellcheck disable=SC2086 # the list is words
    if ! apt-get install -y --no-install-recommends $packages > /tmp/controlplane-apt.log 2>&1; then
        apt-get update >> /tmp/controlplane-apt.log 2>&1 || true
        apt-get install -y --no-install-recommends $packages >> /tmp/controlplane-apt.log 2>&1 || {
            tail -20 /tmp/controlplane-apt.log >&2
            echo "could not install$packages" >&2
            exit 1
        }
    fi
fi

infra/nats-servers.sh

# Run in this folder, dotnet answers with the SDK that global.json allows, or fails and says which it wants.
if ! command -v dotnet > /dev/null || ! version=$(dotnet --version 2>&1); then
    echo "the .NET SDK 10.0.100 or later is needed (https://dot.net/download): ${version:-dotnet is not installed}" >&2
    exit 1
fi
