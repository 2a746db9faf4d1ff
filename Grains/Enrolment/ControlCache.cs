using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace ControlPlane.Enrolment;

/// <summary>What this silo knows of the overlays' controls, and what it has noticed for them. Thread-safe.</summary>
internal sealed class ControlCache
{
    private readonly TaskCompletionSource known = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By overlays that are configured: bounded by those.</summary>
    private readonly ConcurrentDictionary<string, Noticed> noticed = new(StringComparer.Ordinal);

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
    public void Fell(string overlay, bool isAttested) => Note(
        overlay, sum => isAttested ? sum with { Attested = sum.Attested + 1 } : sum with { Heard = sum.Heard + 1 });

    /// <summary>A node that was on its way has arrived.</summary>
    public void Arrived(string overlay) => Note(overlay, sum => sum with { Arrived = sum.Arrived + 1 });

    /// <summary>A node that was on its way is on no network.</summary>
    public void Missed(string overlay, string identity) => Note(
        overlay,
        sum => sum.Missing.Count < AdmissionOptions.BrakeMissingMost ? sum with { Missing = sum.Missing.Add(identity) } : sum);

    /// <summary>What was noticed of the overlay's nodes since the last time this was asked.</summary>
    public Noticed Take(string overlay) => noticed.TryRemove(overlay, out var sum) ? sum : Noticed.Nothing;

    private void Note(string overlay, Func<Noticed, Noticed> add) =>
        noticed.AddOrUpdate(overlay, _ => add(Noticed.Nothing), (_, sum) => add(sum));
}

/// <param name="Heard">Nodes of which an event said that they fell.</param>
/// <param name="Attested">Those that have shown a provisioning token of ours since.</param>
/// <param name="Arrived">Nodes that were configured and have arrived.</param>
/// <param name="Missing">Nodes that were configured and have not.</param>
internal sealed record Noticed(int Heard, int Attested, int Arrived, ImmutableList<string> Missing)
{
    public static Noticed Nothing { get; } = new(0, 0, 0, []);
}
