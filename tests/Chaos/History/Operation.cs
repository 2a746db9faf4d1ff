namespace ControlPlane.Chaos;

/// <summary>How an operation stands. One that was invoked and never ended is as unknown as one whose caller ran out of time.</summary>
internal enum OperationPhase
{
    Invoked,
    Ok,
    Failed,

    /// <summary>It may have happened or not: out of time, cancelled, or its silo died.</summary>
    Unknown,
}

/// <summary>One state-changing call between our own grains, as the silo that served it wrote it down (<c>tests/RecordedSilo</c>).</summary>
/// <param name="At">When it began, or ended, by that silo's clock.</param>
/// <param name="By">The silo's process.</param>
/// <param name="Id">Joins beginning and end within a process.</param>
/// <param name="Phase">Which of the two this is.</param>
/// <param name="Name">Interface and method, e.g. <c>IInternalPlacementGrain.Place</c>.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="Facts">What was asked for and what came of it.</param>
internal sealed record Operation(
    DateTimeOffset At, int By, long Id, OperationPhase Phase, string Name, string Key, IReadOnlyDictionary<string, string> Facts)
{
    public string Fact(string name) => Facts.GetValueOrDefault(name) ?? "";
}
