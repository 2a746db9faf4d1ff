namespace ControlPlane.Jobs;

/// <summary>What a job's parts in overlays, and silos, tell it.</summary>
[Alias("ControlPlane.IInternalJobGrain")]
internal interface IInternalJobGrain : IJobGrain
{
    /// <summary>
    /// An overlay says how its part stands. Safe to repeat: an older report changes nothing, nor does one of a part that is not known.
    /// </summary>
    [Alias("Hear")]
    Task Hear(string overlay, OverlayReport report);

    /// <summary>Lets it go on after its silo ended.</summary>
    /// <returns>Whether there is something to go on with.</returns>
    [Alias("Wake")]
    Task<bool> Wake();
}

internal static class JobGrains
{
    /// <summary>In place of a job's id, where there is no job.</summary>
    public const string DryRun = "dry-run";

    /// <summary>A job's part in an overlay.</summary>
    public static IOverlayJobGrain GetOverlayJob(this IGrainFactory grains, string job, string overlay) =>
        grains.GetGrain<IOverlayJobGrain>($"{job}@{overlay}");
}
