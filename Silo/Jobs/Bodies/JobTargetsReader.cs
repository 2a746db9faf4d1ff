using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>Which nodes a body means: a query, a list, an earlier job's targets, or whoever answers. Pure.</summary>
internal static class JobTargetsReader
{
    /// <summary>A list of 100 000 that is wrong is wrong in the same way throughout.</summary>
    private const int FaultsMax = 20;

    public static JobTargets Read(JobTargetsBody body, List<string> faults)
    {
        var targets = new JobTargets { Overlays = body.Overlays, Exclude = body.Exclude, Seed = body.Seed, Max = body.Max };
        var hasConditions = HasConditions(body);
        if (body.Filter is not null && body.Broadcast)
        {
            faults.Add("$.targets.filter: nodes do not know our expressions; with broadcast say it by compound, facts, classes or agents");
        }

        if (body.Compound is not null && !body.Broadcast)
        {
            faults.Add("$.targets.compound: only nodes evaluate it; say broadcast: true, or use filter");
        }

        if (body.Broadcast && (body.State ?? (object?)body.Liveness ?? body.Version) is not null)
        {
            faults.Add("$.targets: state, liveness and version are known of the index only, and not with broadcast");
        }

        if (body.OfJob is { } earlier)
        {
            if (hasConditions || body.All || body.Broadcast || body.Identities.Count > 0)
            {
                faults.Add("$.targets.ofJob: takes the targets of an earlier job, and no conditions beside it");
            }

            return targets with { OfJob = new JobResultsOf(earlier.Job, earlier.States) };
        }

        if (IsList(body))
        {
            faults.AddRange(body.Identities.Index().Where(one => !NodeIdentity.IsValid(one.Item)).Take(FaultsMax)
                .Select(one => $"$.targets.identities[{one.Index}]: {NodeIdentity.Rule}"));
            return targets with { Identities = body.Identities };
        }

        if (!hasConditions && !body.All && body.Identities.Count == 0 && body.Overlays.Count == 0)
        {
            faults.Add("$.targets: names no nodes; say all: true for all of them");
        }

        var query = QueryOf(body);
        return body.Broadcast ? targets with { Broadcast = query } : targets with { Query = query };
    }

    /// <summary>Whether the identities are the nodes themselves, and no condition.</summary>
    public static bool IsList(JobTargetsBody body) =>
        body is { Identities.Count: > 0, All: false, Broadcast: false } && !HasConditions(body) && !body.Identities.Any(IsPattern);

    private static bool HasConditions(JobTargetsBody body) =>
        (body.Filter ?? body.Compound ?? body.Version) is not null || body.State is not null || body.Liveness is not null
        || body.Facts.Count + body.Classes.Count + body.Agents.Count > 0;

    private static bool IsPattern(string identity) => identity is ['/', _, .., '/'];

    private static NodeQuery QueryOf(JobTargetsBody body)
    {
        var query = NodeQuery.All with
        {
            Filter = body.Filter ?? body.Compound,
            Stage = body.State,
            Liveness = body.Liveness,
            Version = body.Version,
        };

        // The same lists as those of all nodes where nothing is in them: records compare lists by reference.
        return body.Facts.Count + body.Classes.Count + body.Agents.Count + body.Identities.Count == 0 ? query : query with
        {
            Facts = body.Facts, Classes = body.Classes, Agents = body.Agents, Identities = body.Identities,
        };
    }
}
