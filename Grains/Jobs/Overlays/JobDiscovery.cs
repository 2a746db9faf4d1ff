using System.Collections.Concurrent;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Sites;

namespace ControlPlane.Jobs;

/// <summary>Finds a job's targets in one overlay.</summary>
internal sealed class JobDiscovery(IGrainFactory grains, INodeRpc rpc)
{
    private const int PageSize = 1_000;
    private const int SlicesAtOnce = 8;

    /// <summary>How long nodes may take to answer a broadcast; Choria's own clients wait as long.</summary>
    private static readonly TimeSpan BroadcastWindow = TimeSpan.FromSeconds(2);

    /// <summary>The targets in the order in which they are worked on.</summary>
    /// <exception cref="JobNotReadyException">It cannot be said now: ask again.</exception>
    /// <exception cref="FormatException">The query cannot be understood, or nobody here can do the action.</exception>
    public async Task<IReadOnlyList<RosterEntry>> FindAsync(OverlayJobOrder order, CancellationToken cancellationToken)
    {
        // Of a site that knows more than this one.
        if (OwnAgent.FaultOrNull(order.Spec.Action) is { } fault)
        {
            throw new FormatException(fault);
        }

        if (order.Spec.Targets.Plan is { } plan)
        {
            return await ListMovesAsync(order, plan, cancellationToken);
        }

        var targets = order.Spec.Targets;
        var among = await NamedAsync(order, cancellationToken);
        var nodes = await SelectAsync(
            (targets.Query ?? NodeQuery.All) with { Overlay = order.Overlay, Stage = NodeStage.Enrolled }, cancellationToken);
        var exclude = targets.Exclude.ToHashSet(StringComparer.Ordinal);
        return
        [
            .. TargetOrder.Order(
                nodes.Where(node => among?.Contains(node.Identity) != false && !exclude.Contains(node.Identity)),
                node => node.Identity,
                targets.Seed),
        ];
    }

    /// <summary>The overlay's nodes that are heard.</summary>
    public async Task<IReadOnlySet<string>> FindHeardAsync(string overlay, CancellationToken cancellationToken)
    {
        var nodes = await SelectAsync(NodeQuery.All with { Overlay = overlay, Stage = NodeStage.Enrolled }, cancellationToken);
        return nodes.Where(node => node.Liveness is NodeLiveness.Alive or NodeLiveness.Late or NodeLiveness.Returned)
            .Select(node => node.Identity).ToHashSet(StringComparer.Ordinal);
    }

    // All that the plan moves, whatever is known of them here: whether each may go is looked at when its turn comes.
    private async Task<IReadOnlyList<RosterEntry>> ListMovesAsync(OverlayJobOrder order, JobPlan plan, CancellationToken cancellationToken)
    {
        var region = grains.GetGrain<IInternalPlacementGrain>(plan.Region);
        var found = new List<RosterEntry>();
        try
        {
            for (var isLast = false; !isLast;)
            {
                var call = new LeaderCall.ListMoves(order.Job, order.Overlay, found.Count);
                var page = (await region.AskLeader(call).WaitAsync(cancellationToken)).Moves
                    ?? throw new FormatException($"the region's leader has no plan {plan.Id} for this job");
                found.AddRange(page.Identities.Select(identity => new RosterEntry(
                    identity, NodeStage.Enrolled, order.Overlay, null, default, null)));
                isLast = page.IsLast;
            }
        }
        catch (SiteUnreachableException away)
        {
            throw new JobNotReadyException(away.Message, away);
        }

        return found;
    }

    private async Task<IReadOnlySet<string>?> NamedAsync(OverlayJobOrder order, CancellationToken cancellationToken)
    {
        switch (order.Spec.Targets)
        {
            case { Identities: { Count: > 0 } identities }:
                return identities.ToHashSet(StringComparer.Ordinal);

            case { OfJob: { } earlier }:
                var page = await grains.GetOverlayJob(earlier.Job, order.Overlay).ListTargets(earlier.States, after: -1, int.MaxValue);
                return page.Targets.Select(target => target.Identity).ToHashSet(StringComparer.Ordinal);

            case { Broadcast: { } asked }:
                try
                {
                    IReadOnlyList<string> agents =
                        OwnAgent.Runs(order.Spec.Action) ? asked.Agents : [.. asked.Agents, order.Spec.Action.Agent];
                    IReadOnlyList<string> compound = asked.Filter is null ? [] : [asked.Filter];
                    var filter = new RpcFilter(asked.Facts, asked.Classes, agents, asked.Identities, compound);
                    var answered = await rpc.DiscoverAsync(order.Overlay, filter, BroadcastWindow, cancellationToken);
                    return answered.ToHashSet(StringComparer.Ordinal);
                }
                catch (NetworkUnavailableException away)
                {
                    throw new JobNotReadyException(away.Message, away);
                }

            default:
                return null;
        }
    }

    private async Task<IReadOnlyCollection<RosterEntry>> SelectAsync(NodeQuery query, CancellationToken cancellationToken)
    {
        var found = new ConcurrentBag<RosterEntry>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, FleetSlices.Count),
            new ParallelOptions
            {
                MaxDegreeOfParallelism = SlicesAtOnce, CancellationToken = cancellationToken, TaskScheduler = TaskScheduler.Current,
            },
            async (slice, token) =>
            {
                string? after = null;
                do
                {
                    var page = Read(await grains.GetSlice(slice).Select(query, after, PageSize).WaitAsync(token), slice);
                    foreach (var node in page)
                    {
                        found.Add(node);
                    }

                    after = page.Count < PageSize ? null : page[^1].Identity;
                }
                while (after is not null);
            });
        return found;
    }

    private static IReadOnlyList<RosterEntry> Read(SelectOutcome outcome, int slice) => outcome switch
    {
        SelectOutcome.Selected { IsComplete: true } selected => selected.Nodes,
        SelectOutcome.Selected => throw new JobNotReadyException($"the index of slice {slice} is still being read"),
        SelectOutcome.Refused refused => throw new FormatException(refused.Detail),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}

/// <summary>A job's targets cannot be found now; it heals by itself.</summary>
internal sealed class JobNotReadyException(string message, Exception? inner = null) : Exception(message, inner);
