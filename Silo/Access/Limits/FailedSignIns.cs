using System.Net;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Who failed to sign in too often, and is not looked at for a while. Thread-safe; each silo counts for itself.</summary>
internal sealed partial class FailedSignIns(IOptions<LimitsOptions> options, TimeProvider time, ILogger<FailedSignIns> logger)
{
    /// <summary>
    /// How many are counted at most. Beyond it nobody new is counted until others' time is over: an attacker from so many addresses is not
    /// stopped by counting.
    /// </summary>
    public const int CountedMax = 20_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Count> _counts = new(StringComparer.Ordinal);

    /// <summary>How long an address stays locked; null when it is not.</summary>
    public TimeSpan? LockOf(IPAddress address) => Left($"address {address}");

    /// <summary>How long a principal stays locked; null when it is not.</summary>
    public TimeSpan? LockOf(string principal) => Left($"principal {principal}");

    /// <summary>Counts a failure of an address.</summary>
    public void Failed(IPAddress address) => Add($"address {address}", options.Value.AddressFailuresMax);

    /// <summary>Counts a failure of a principal, only of one whom the credential proves: a name that anybody writes locks nobody.</summary>
    public void Failed(string principal) => Add($"principal {principal}", options.Value.PrincipalFailuresMax);

    private TimeSpan? Left(string key)
    {
        lock (_gate)
        {
            return _counts.TryGetValue(key, out var count) && count.LockedUntil - time.GetUtcNow() is { } left && left > TimeSpan.Zero
                ? left
                : null;
        }
    }

    private void Add(string key, int most)
    {
        if (most == 0)
        {
            return;
        }

        var now = time.GetUtcNow();
        lock (_gate)
        {
            if (_counts.Count >= CountedMax)
            {
                Forget(now);
            }

            var known = _counts.TryGetValue(key, out var count);
            if (!known && _counts.Count >= CountedMax)
            {
                return;
            }

            count = known && count!.Since + options.Value.FailureWindow > now
                ? count with { Failures = count.Failures + 1 }
                : new Count(1, now);
            if (count.Failures >= most)
            {
                LogLocked(key, count.Failures, now + options.Value.LockFor);
                count = new Count(0, now, now + options.Value.LockFor);
            }

            _counts[key] = count;
        }
    }

    private void Forget(DateTimeOffset now)
    {
        foreach (var (key, count) in _counts)
        {
            if (count.Since + options.Value.FailureWindow <= now && !(count.LockedUntil > now))
            {
                _counts.Remove(key);
            }
        }
    }

    private sealed record Count(int Failures, DateTimeOffset Since, DateTimeOffset? LockedUntil = null);

    [LoggerMessage(LogLevel.Warning, "{Who} failed to sign in {Failures} times and is locked until {Until}")]
    private partial void LogLocked(string who, int failures, DateTimeOffset until);
}
