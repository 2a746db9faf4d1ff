#!/bin/sh
# Builds a project or the solution, after seeing to what it needs. Says what it does: the first time that takes minutes.
set -eu
cd "$(dirname "$0")/.."
infra/prerequisites.sh
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
if [ -d Silo/obj ]; then
    echo "building $1"
else
    echo "building $1: the first time, packages are fetched and everything is compiled, which takes about three minutes on two cores"
fi
dotnet restore "$1" --locked-mode --verbosity quiet
exec dotnet build "$1" --configuration Release --no-restore --verbosity quiet -clp:NoSummary
