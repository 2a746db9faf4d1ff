using System.ComponentModel;
using ControlPlane.Api;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Nodes;

/// <summary>How nodes are searched for over HTTP: everything that is given must hold.</summary>
internal sealed record NodeQueryParameters
{
    [FromQuery(Name = "filter"), Description("An expression, e.g. country=uk and not (role::db or os.family=/^red/i).")]
    public string? Filter { get; init; }

    [FromQuery(Name = "fact"), Description("Comparisons of facts in Choria's form, e.g. os.release.major>=12; all must hold.")]
    public string[]? Facts { get; init; }

    [FromQuery(Name = "class"), Description("Classes, or /regex/; all must be there.")]
    public string[]? Classes { get; init; }

    [FromQuery(Name = "agent"), Description("Agents, or /regex/; all must be there.")]
    public string[]? Agents { get; init; }

    [FromQuery(Name = "identity"), Description("Identities, or /regex/; one must match.")]
    public string[]? Identities { get; init; }

    [FromQuery(Name = "state"), Description("Only nodes in this stage, e.g. enrolled, silent, quarantined.")]
    public string? State { get; init; }

    [FromQuery(Name = "liveness"), Description("Only nodes that are alive, late, lost, returned or unknown.")]
    public string? Liveness { get; init; }

    [FromQuery(Name = "overlay"), Description("Only nodes that were placed in this overlay.")]
    public string? Overlay { get; init; }

    [FromQuery(Name = "version"), Description("Only nodes that run this version of Choria.")]
    public string? Version { get; init; }

    /// <summary>The query that is meant; what is wrong with it, when something is.</summary>
    public string? FaultOrNull(out NodeQuery query)
    {
        query = NodeQuery.All;
        if (!QueryWords.TryRead<NodeStage>(State, out var stage))
        {
            return QueryWords.Rule<NodeStage>("state");
        }

        if (!QueryWords.TryRead<NodeLiveness>(Liveness, out var liveness))
        {
            return QueryWords.Rule<NodeLiveness>("liveness");
        }

        query = NodeQuery.All with
        {
            Filter = NullIfEmpty(Filter),
            Stage = stage,
            Liveness = liveness,
            Overlay = NullIfEmpty(Overlay),
            Version = NullIfEmpty(Version)
        };
        if (Facts is { Length: > 0 } || Classes is { Length: > 0 } || Agents is { Length: > 0 } || Identities is { Length: > 0 })
        {
            query = query with { Facts = Facts ?? [], Classes = Classes ?? [], Agents = Agents ?? [], Identities = Identities ?? [] };
        }

        return null;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
