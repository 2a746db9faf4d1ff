using System.Collections.Concurrent;

namespace ControlPlane.Enrolment;

/// <summary>What this silo knows of the overlays' controls, and what it has noticed for them. Thread-safe.</summary>
internal sealed class ControlCache
{
    private readonly TaskCompletionSource known = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By overlays that are configured: bounded by those.</summary>
    private readonly ConcurrentDictionary<string, Falls> falls = new(StringComparer.Ordinal);

    private volatile EnrolmentControls controls = EnrolmentControls.Open;

    public EnrolmentControls Controls => controls;

    /// <summary>Completes when the controls were read for the first time.</summary>
    public Task Known => known.Task;

    /// <summary>Replaces what is known. When the controls cannot be read, the last known ones stay in force.</summary>
    public void Show(IEnumerable<EnrolmentControl> current)
    {
        controls = new EnrolmentControls(current);
        known.TrySetResult();
    }

    /// <summary>An enrolled node came back to enrol without having been asked to: an event said so, or it was attested.</summary>
    public void Fell(string overlay, bool isAttested)
    {
        var one = isAttested ? new Falls(0, 1) : new Falls(1, 0);
        falls.AddOrUpdate(overlay, one, (_, sum) => new Falls(sum.Heard + one.Heard, sum.Attested + one.Attested));
    }

    /// <summary>How many fell out of the overlay since the last time this was asked.</summary>
    public Falls TakeFalls(string overlay) => falls.TryRemove(overlay, out var sum) ? sum : default;
}

/// <param name="Heard">Nodes of which an event said that they fell.</param>
/// <param name="Attested">Those that have shown a provisioning token of ours since.</param>
internal readonly record struct Falls(int Heard, int Attested);
