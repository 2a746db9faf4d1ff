using Orleans.Concurrency;

namespace ControlPlane.Jobs;

/// <summary>A job's targets in one overlay: works through what it was allotted, also while the overlay is cut off.</summary>
/// <remarks>Key: <c>job@overlay</c>.</remarks>
[Alias("ControlPlane.IOverlayJobGrain")]
internal interface IOverlayJobGrain : IGrainWithStringKey
{
    /// <summary>
    /// Finds the targets, once for each <see cref="OverlayJobOrder.Preparation"/>, and says how it stands. Safe to repeat: it is asked
    /// again until it knows them.
    /// </summary>
    [Alias("Prepare"), ResponseTimeout("00:02:00")]
    Task<OverlayReport> Prepare(OverlayJobOrder order);

    /// <summary>Finds the targets that there are now, and does nothing. Safe to repeat.</summary>
    [Alias("DryRun"), ResponseTimeout("00:02:00")]
    Task<OverlayDryRun> DryRun(OverlayJobOrder order);

    /// <summary>Goes on by an allotment, unless it has a later one, and says how it stands. Safe to repeat.</summary>
    /// <param name="site">Who allots: another site than the job's is not followed. Null in a region whose sites have no keys.</param>
    /// <param name="allotment">What it may do.</param>
    [Alias("Allot")]
    Task<OverlayReport> Allot(string? site, Allotment allotment);

    /// <summary>Targets after a position, in some states (empty: all).</summary>
    [Alias("ListTargets")]
    Task<OverlayTargetPage> ListTargets(IReadOnlyList<TargetState> states, int after, int limit);

    /// <summary>Results after a position of the log, in some states (empty: all).</summary>
    [Alias("ListResults")]
    Task<OverlayResultPage> ListResults(IReadOnlyList<TargetState> states, ulong after, int skip, int limit);

    /// <summary>Lets it go on after its silo ended.</summary>
    /// <returns>Whether there is something to go on with.</returns>
    [Alias("Wake")]
    Task<bool> Wake();
}

/// <summary>What one overlay is to do of a job.</summary>
/// <param name="Job">The job.</param>
/// <param name="Overlay">The overlay.</param>
/// <param name="Site">Where the job was submitted: reports go there.</param>
/// <param name="Spec">What it is to do.</param>
/// <param name="Submitter">As whom.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayJobOrder")]
internal sealed record OverlayJobOrder(
    [property: Id(0)] string Job,
    [property: Id(1)] string Overlay,
    [property: Id(2)] string Site,
    [property: Id(3)] JobSpec Spec,
    [property: Id(4)] JobSubmitter Submitter)
{
    /// <summary>Which search for its targets this is: a job that begins later than it was submitted has them found anew.</summary>
    [Id(5)]
    public int Preparation { get; init; }
}

/// <summary>What a job would do in an overlay.</summary>
/// <param name="Targets">How many nodes are meant.</param>
/// <param name="First">The first of them, at most <see cref="JobDryRun.NodesMax"/>, in the order in which they would be worked on.</param>
/// <param name="Fault">Why it would not take part; null when it would.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayDryRun")]
internal sealed record OverlayDryRun(
    [property: Id(0)] int Targets, [property: Id(1)] IReadOnlyList<string> First, [property: Id(2)] string? Fault = null)
{
    public static OverlayDryRun None { get; } = new(0, []);
}

/// <param name="Targets">In the order in which they are worked on.</param>
/// <param name="Next">The position to go on after; null when there is nothing after it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayTargetPage")]
internal sealed record OverlayTargetPage([property: Id(0)] IReadOnlyList<JobTarget> Targets, [property: Id(1)] int? Next);

/// <param name="Results">In the order in which they came.</param>
/// <param name="Position">The position in the log to go on after.</param>
/// <param name="Skip">How many results of the record behind it were given already.</param>
/// <param name="IsEnd">Whether there is nothing more now.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayResultPage")]
internal sealed record OverlayResultPage(
    [property: Id(0)] IReadOnlyList<JobResult> Results,
    [property: Id(1)] ulong Position,
    [property: Id(2)] int Skip,
    [property: Id(3)] bool IsEnd);

/// <summary>A job's targets in one overlay, stored before it is allotted anything.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayTargets")]
internal sealed record OverlayTargets
{
    /// <summary>Null while nothing was asked.</summary>
    [Id(0)]
    public OverlayJobOrder? Order { get; init; }

    /// <summary>In the order in which they are worked on.</summary>
    [Id(1)]
    public IReadOnlyList<string> Identities { get; init; } = [];

    /// <summary>The protocol of each, by the number of <see cref="Nodes.NodeProtocol"/>.</summary>
    [Id(2)]
    public byte[] Protocols { get; init; } = [];

    /// <summary>How many may work at once by the policy's rule; null when it says nothing.</summary>
    [Id(3)]
    public int? ConcurrencyMax { get; init; }

    /// <summary>Why it does not take part; null when it does.</summary>
    [Id(4)]
    public string? Fault { get; init; }

    public RpcTarget ToRpc(int target) => new(Identities[target], (Nodes.NodeProtocol)Protocols[target]);
}

/// <summary>How far a job is in one overlay, stored before anything is sent.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.OverlayProgress")]
internal sealed record OverlayProgress
{
    [Id(0)]
    public int Version { get; init; }

    [Id(1)]
    public Allotment Allotment { get; init; } = Allotment.None;

    /// <summary>How each target stands (<see cref="TargetTable"/>); empty while nothing was done.</summary>
    [Id(2)]
    public byte[] Cells { get; init; } = [];

    /// <summary>The position of the last record of results that is counted in it.</summary>
    [Id(3)]
    public ulong LogPosition { get; init; }
}
