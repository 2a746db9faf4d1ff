namespace ControlPlane.Flow;

/// <summary>What a gate says to whoever comes.</summary>
internal abstract class GateVerdict
{
    private GateVerdict()
    {
    }

    /// <summary>The place, where whoever is turned away comes again by itself.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public Admitted Place => this as Admitted ?? throw new InvalidOperationException((this as Deferred)?.Reason);

    /// <summary>It holds a place from now on, and leaves it once: whatever is said after that is not heard.</summary>
    public sealed class Admitted(Gate gate, string group) : GateVerdict, IDisposable
    {
        private Gate? held = gate;

        /// <summary>Leaves, and says how what is behind the gate fared.</summary>
        /// <param name="result">How it fared.</param>
        /// <param name="retryAfter">How long it wants to be left alone, when it said so.</param>
        /// <param name="detail">How it failed.</param>
        public void Leave(CallResult result, TimeSpan retryAfter = default, string detail = "") =>
            Interlocked.Exchange(ref held, null)?.Leave(group, result, retryAfter, detail);

        public void Dispose() => Leave(CallResult.Unused);
    }

    /// <summary>Not now.</summary>
    public sealed class Deferred(string reason, DateTimeOffset retryAt) : GateVerdict
    {
        public string Reason => reason;

        public DateTimeOffset RetryAt => retryAt;
    }
}

/// <param name="What">What comes, in the plural, as its reasons say it.</param>
/// <param name="Name">What is behind the gate.</param>
/// <param name="Places">So many at once, unless the gate is limited otherwise later.</param>
/// <param name="WaitingMax">So many wait; more are turned away.</param>
/// <param name="RetryAfter">When it is worth coming again, and looking again whether what is behind still answers.</param>
/// <param name="PerMinute">So many a minute, a second's worth at once; 0 is no limit.</param>
internal sealed record GateBounds(
    string What, string Name, int Places, int WaitingMax, TimeSpan RetryAfter, int PerMinute = 0);

/// <param name="Group">Who shares the places with others: each group holds as many as the next.</param>
/// <param name="Since">Since when it waits; null is from now on.</param>
/// <param name="Priority">Served as if it had waited that many half minutes longer.</param>
/// <param name="Deadline">Until when it waits at most, by the time of day.</param>
internal readonly record struct GateTicket(
    string Group = "", DateTimeOffset? Since = null, int Priority = 0, DateTimeOffset? Deadline = null);

/// <param name="Limit">Places there are.</param>
/// <param name="Running">Places that are held.</param>
/// <param name="Waiting">How many wait for one.</param>
/// <param name="Groups">Groups that hold places or wait for some.</param>
/// <param name="Fault">How what is behind failed last, when it is left alone and has not served since; null otherwise.</param>
internal readonly record struct GateLoad(int Limit, int Running, int Waiting, int Groups, string? Fault = null);
