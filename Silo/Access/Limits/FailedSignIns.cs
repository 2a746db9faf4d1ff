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

    /// <summary>How long somebody stays locked; null when they are not.</summary>
    public TimeSpan? LockOf(FailedBy by, string name)
    {
        var key = KeyOf(by, name);
        lock (_gate)
        {
            return _counts.TryGetValue(key, out var count) && count.LockedUntil - time.GetUtcNow() is { } left && left > TimeSpan.Zero
                ? left
                : null;
        }
    }

    /// <summary>Counts a failure.</summary>
    public void Add(FailedBy by, string name)
    {
        var (key, most) = (KeyOf(by, name), by == FailedBy.Address ? options.Value.AddressFailuresMax : options.Value.PrincipalFailuresMax);
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

    private static string KeyOf(FailedBy by, string name) => by switch
    {
        FailedBy.Address => $"address {name}",
        FailedBy.Principal => $"principal {name}",
        _ => $"user {name}",
    };

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

/// <summary>Whose failures are counted together.</summary>
internal enum FailedBy
{
    Address = 0,

    /// <summary>Only one whom the credential proves: a name that anybody writes does not lock its principal.</summary>
    Principal = 1,

    /// <summary>A name of a list of users, tried with a password: it is locked for passwords alone.</summary>
    User = 2,
}
