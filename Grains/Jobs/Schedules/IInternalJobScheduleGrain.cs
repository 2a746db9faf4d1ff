namespace ControlPlane.Jobs;

/// <summary>What silos tell a schedule.</summary>
[Alias("ControlPlane.IInternalJobScheduleGrain")]
internal interface IInternalJobScheduleGrain : IJobScheduleGrain
{
    /// <summary>Lets it go on after its silo ended.</summary>
    /// <returns>Whether there is something to go on with.</returns>
    [Alias("Wake")]
    Task<bool> Wake();
}
