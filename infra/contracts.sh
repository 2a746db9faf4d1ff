#!/bin/sh
# Writes GrainInterfaces/OrleansContracts.txt anew from the code. Read the diff: it is what a rolling upgrade will meet.
set -eu
cd "$(dirname "$0")/.."
dotnet format GrainInterfaces/ControlPlane.GrainInterfaces.csproj analyzers --severity info --diagnostics \
    ORLEANS0016 ORLEANS0017 ORLEANS0018 ORLEANS0019 ORLEANS0020 ORLEANS0022 ORLEANS0023 ORLEANS0024
git --no-pager diff --stat -- GrainInterfaces/OrleansContracts.txt
