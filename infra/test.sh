#!/bin/bash
# Builds once and runs every test project, two at a time; the last line is the sum: "N passed, N failed". Arguments go to each test
# program, so that
#   make test ARGS="-class *KeyPairTests"
# runs a few. A skipped test counts as failed, and so does a run without any test.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds_max=1800

infra/build.sh ControlPlane.sln || { echo "0 passed, 1 failed"; exit 1; }

rm -rf TestResults
mkdir -p TestResults
passed=0
failed=0

# Each test program, and each silo that it starts, lives for seconds: what the JIT compiler spends on making code fast for later was a
# third of the CPU time of those that were measured. Methods are optimized after 1,024 calls (hexadecimal 400) rather than 30, and not instrumented before.
export DOTNET_TieredPGO=0 DOTNET_TC_CallCountThreshold=400

# Two programs at a time: tests wait for servers and deadlines more than they compute.
run() {
    name="ControlPlane.$(basename "$1")"
    seconds_max=$2
    shift 2
    timeout --kill-after=10 "$seconds_max" "tests/${name#ControlPlane.}/bin/Release/net10.0/$name" \
        -noColor -noLogo -failSkips -result-trx "TestResults/$name.trx" "$@" > "TestResults/$name.log" 2>&1
    echo "$?" > "TestResults/$name.status"
}
export -f run
printf '%s\0' tests/*.Tests | xargs -0 -P 2 -I{} bash -c 'run "$@"' run {} "$seconds_max" "$@"

for folder in tests/*.Tests; do
    name="ControlPlane.$(basename "$folder")"
    log="TestResults/$name.log"
    status=$(cat "TestResults/$name.status" 2> /dev/null || echo 1)

    # "   Name  Total: 6, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 3.651s"
    figures=$(grep -o 'Total: .*' "$log" | tail -1)
    total=$(sed -n 's/.*Total: \([0-9]*\).*/\1/p' <<< "$figures")
    errors=$(sed -n 's/.*Errors: \([0-9]*\).*/\1/p' <<< "$figures")
    wrong=$(sed -n 's/.*Failed: \([0-9]*\).*/\1/p' <<< "$figures")
    skipped=$(sed -n 's/.*Skipped: \([0-9]*\).*/\1/p' <<< "$figures")
    idle=$(sed -n 's/.*Not Run: \([0-9]*\).*/\1/p' <<< "$figures")
    bad=$((${errors:-0} + ${wrong:-0} + ${skipped:-0}))

    # A crash, a hang or a fault outside of any test shows in the exit code alone.
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
        echo "$name ended with exit code $status; the end of its output:"
        tail -40 "$log"
    elif [ "$bad" -gt 0 ]; then
        grep -v -E '^ *(Discover|Start|Finish)' "$log"
    fi

    good=$((${total:-0} - ${errors:-0} - ${wrong:-0} - ${skipped:-0} - ${idle:-0}))
    [ "$good" -lt 0 ] && good=0
    passed=$((passed + good))
    failed=$((failed + bad))
    echo "$name: $good passed, $bad failed"
done

if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
    echo "no test was run" >&2
    failed=1
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
