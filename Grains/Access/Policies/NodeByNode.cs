namespace ControlPlane.Access.Policies;

/// <summary>Judges what is about several nodes that are known by name.</summary>
public static class NodeByNode
{
    private const int JudgedAtOnce = 64;

    /// <summary>
    /// Judges for all of them together, and where that does not allow, for each: rules may hold for nodes of a kind. Changes nothing, and
    /// may be repeated.
    /// </summary>
    /// <param name="policy">Who says what callers may do.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="request">What for; it names no node.</param>
    /// <param name="identities">The nodes; with none, the request is judged as it is.</param>
    /// <param name="cancellationToken">Ends the judging.</param>
    /// <returns>
    /// The request and its decision; of nodes that were judged one by one, those of the first that is denied, or else of the one that the
    /// fewest may be worked on at once for: it stands for all in the record.
    /// </returns>
    public static async Task<(AccessRequest Request, AccessDecision Decision)> JudgeNodesAsync(
        this IAccessPolicy policy,
        Caller caller,
        AccessRequest request,
        IReadOnlyList<string> identities,
        CancellationToken cancellationToken)
    {
        var decision = await policy.JudgeAsync(caller, request, cancellationToken);
        if (decision.IsAllowed || identities.Count == 0)
        {
            return (request, decision);
        }

        (AccessRequest Request, AccessDecision Decision)? strictest = null;
        foreach (var part in identities.Chunk(JudgedAtOnce))
        {
            var judged = await Task.WhenAll(part.Select(async identity =>
            {
                var one = request with { Node = identity };
                return (Request: one, Decision: await policy.JudgeAsync(caller, one, cancellationToken));
            }));
            if (judged.FirstOrDefault(one => !one.Decision.IsAllowed) is { Request: not null } denied)
            {
                return denied;
            }

            var lowest = judged.MinBy(one => one.Decision.ConcurrencyMax ?? int.MaxValue);
            if (strictest is not { } known || lowest.Decision.ConcurrencyMax < (known.Decision.ConcurrencyMax ?? int.MaxValue))
            {
                strictest = lowest;
            }
        }

        return strictest!.Value;
    }
}
