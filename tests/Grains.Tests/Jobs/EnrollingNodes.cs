using System.Reflection;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>Grains of nodes that enrol anew for a job, as long as the test wants, and know in whose name.</summary>
internal sealed class EnrollingNodes
{
    private readonly Dictionary<string, (string Attempt, ReprovisionStatus Status)> nodes = new(StringComparer.Ordinal);

    public EnrollingNodes() => Factory = EnrollingNodeStand.For(this);

    public IGrainFactory Factory { get; }

    /// <summary>Whom a plan's job asks for places.</summary>
    public FakeLeader Leader { get; } = new();

    /// <summary>How often each node was told to enrol anew.</summary>
    public Dictionary<string, int> Enrolled { get; } = new(StringComparer.Ordinal);

    /// <summary>How many nodes enrol now, and the most that ever did at once.</summary>
    public int UnderWay => nodes.Values.Count(node => node.Status.State == ReprovisionState.UnderWay);

    public int UnderWayMax { get; private set; }

    /// <summary>Called before a node's grain is asked to have it enrol anew; throwing loses the question.</summary>
    public Action<string>? OnAsk { get; set; }

    /// <summary>Called after that; throwing loses the answer.</summary>
    public Action<string>? OnAsked { get; set; }

    public static JobSpec Spec(int concurrency = 1_000) =>
        JobWorld.Spec(JobStage.All with { Concurrency = concurrency }) with
        {
            Action = new JobAction(JobAction.ControlPlaneAgent, "reprovision") { IsRepeatable = true },
            Timeouts = new JobTimeouts { Execution = TimeSpan.FromMinutes(30) },
        };

    /// <summary>Those that enrol now have arrived, or came to nothing.</summary>
    public void End(Func<string, ReprovisionStatus?> how)
    {
        foreach (var (identity, (attempt, status)) in nodes.ToArray())
        {
            if (status.State == ReprovisionState.UnderWay && how(identity) is { } ended)
            {
                nodes[identity] = (attempt, ended);
            }
        }
    }

    /// <summary>Another job has them enrol anew.</summary>
    public void AskInAnotherName()
    {
        foreach (var identity in nodes.Keys.ToArray())
        {
            nodes[identity] = ("other/1 of a", new ReprovisionStatus(ReprovisionState.UnderWay));
        }
    }

    public void ArriveAll(string overlay = "a") => End(_ => new ReprovisionStatus(ReprovisionState.Arrived) { Overlay = overlay });

    // As grains do, it answers later than it is asked: others come in between.
    internal async Task<ReprovisionStatus> Ask(string identity, string attempt)
    {
        await Task.Yield();
        OnAsk?.Invoke(identity);
        if (!nodes.TryGetValue(identity, out var known) || known.Attempt != attempt)
        {
            Enrolled[identity] = Enrolled.GetValueOrDefault(identity) + 1;
            nodes[identity] = (attempt, new ReprovisionStatus(ReprovisionState.UnderWay));
            UnderWayMax = Math.Max(UnderWayMax, UnderWay);
        }

        OnAsked?.Invoke(identity);
        return await Find(identity, attempt);
    }

    internal async Task<ReprovisionStatus> Find(string identity, string attempt)
    {
        await Task.Yield();
        return nodes.TryGetValue(identity, out var known) && known.Attempt == attempt
            ? known.Status
            : new ReprovisionStatus(ReprovisionState.NotAsked);
    }
}

/// <summary>Stands in for the factory of grains, and for each grain.</summary>
public class EnrollingNodeStand : DispatchProxy
{
    private EnrollingNodes nodes = null!;
    private string identity = "";

    internal static IGrainFactory For(EnrollingNodes nodes) => Make<IGrainFactory>(nodes, "");

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
    {
        nameof(IGrainFactory.GetGrain) when targetMethod.ReturnType == typeof(IInternalPlacementGrain) =>
            Make<IInternalPlacementGrain>(nodes, ""),
        nameof(IInternalPlacementGrain.AskLeader) => nodes.Leader.Answer((LeaderCall)args![0]!),
        nameof(IGrainFactory.GetGrain) => Make<IInternalNodeGrain>(nodes, (string)args![0]!),
        nameof(IInternalNodeGrain.ReprovisionForJob) => nodes.Ask(identity, (string)args![0]!),
        nameof(IInternalNodeGrain.FindReprovision) => nodes.Find(identity, (string)args![0]!),
        _ => throw new NotSupportedException(targetMethod.Name),
    };

    private static T Make<T>(EnrollingNodes nodes, string identity)
        where T : class
    {
        var stand = Create<T, EnrollingNodeStand>();
        (((EnrollingNodeStand)(object)stand).nodes, ((EnrollingNodeStand)(object)stand).identity) = (nodes, identity);
        return stand;
    }
}
