namespace ControlPlane.Chaos;

/// <summary>How an operation ended.</summary>
internal enum OperationPhase
{
    Invoked,
    Ok,
    Failed,

    /// <summary>It may have happened or not: out of time, cancelled, or its silo died.</summary>
    Unknown,
}

/// <summary>One state-changing call to a grain, as the silo that served it wrote it down (its option <c>History:File</c>).</summary>
/// <param name="At">When it began, or ended.</param>
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
