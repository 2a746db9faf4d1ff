using System.Collections.Concurrent;

namespace ControlPlane.Admission;

/// <summary>What this silo knows of the overlays' controls, and what it has noticed for them. Thread-safe.</summary>
internal sealed class ControlBoard
{
    private readonly TaskCompletionSource known = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>By overlays that are configured: bounded by those.</summary>
    private readonly ConcurrentDictionary<string, int> fallen = new(StringComparer.Ordinal);

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

    /// <summary>An enrolled node came back to enrol without having been asked to.</summary>
    public void Fell(string overlay) => fallen.AddOrUpdate(overlay, 1, (_, count) => count + 1);

    /// <summary>How many fell out of the overlay since the last time this was asked.</summary>
    public int TakeFallen(string overlay) => fallen.TryRemove(overlay, out var count) ? count : 0;
}
