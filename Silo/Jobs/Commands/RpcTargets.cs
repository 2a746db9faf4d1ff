using System.CommandLine;
using System.Globalization;
using ControlPlane.Commands;
using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>How the nodes of a call are found.</summary>
internal enum RpcDiscovery
{
    /// <summary>The control plane's index.</summary>
    Index = 0,

    /// <summary>Choria's own discovery: whoever answers.</summary>
    Broadcast = 1,

    /// <summary>The identities that are given, whether they are known or not.</summary>
    List = 2,
}

/// <summary>The options by which <c>rpc</c> says which nodes are meant, as <c>choria req</c> has them.</summary>
internal sealed class RpcTargets
{
    private const int PageNodes = 1000;

    private readonly Option<string?> filter =
        new("--filter", "-S") { Description = "An expression: country=uk and not (role::db or /^web/); with --dm broadcast Choria's own." };
    private readonly Option<string[]> facts = Several("--fact", "-F", "A comparison such as os.release.major>=12; all must hold.");
    private readonly Option<string[]> classes = Several("--class", "-C", "A class, or /regex/; all must be there.");
    private readonly Option<string[]> agents = Several("--agent", "-A", "An agent, or /regex/; all must be there.");
    private readonly Option<string[]> identities = Several("--identity", "-I", "An identity, or /regex/; one must match.");
    private readonly Option<string[]> mixed = Several("--with", "-W", "Facts and classes together: \"os.family=Debian role::web\".");
    private readonly Option<string[]> overlays = Several("--overlay", "--overlays", "Only nodes of this overlay, or of those given.");
    private readonly Option<RpcDiscovery> discovery = new("--discovery", "--dm") { Description = "How nodes are found." };
    private readonly Option<string?> limit = new("--limit") { Description = "At most so many of them: 50, or 5%.", HelpName = "N|N%" };
    private readonly Option<int?> seed = new("--seed") { Description = "Puts them in an order: the same seed gives the same nodes." };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { filter, facts, classes, agents, identities, mixed, overlays, discovery, limit, seed })
        {
            command.Add(option);
        }
    }

    /// <exception cref="IOException">The options contradict one another, or no node is left; the message is for the operator.</exception>
    public async Task<JobTargetsBody> ReadAsync(ClientCall call, string agent, CancellationToken cancellationToken)
    {
        var body = Asked(call, agent);
        if (call.Arguments.GetValue(limit) is not { } most)
        {
            return body;
        }

        if (body.Broadcast)
        {
            throw new IOException("--limit needs nodes that are known beforehand: use it with --dm index or list");
        }

        var found = JobTargetsReader.IsList(body) ? body.Identities : await ListAsync(call.Api, body, cancellationToken);
        var taken = Take(found, most, call.Arguments.GetValue(seed));
        return new JobTargetsBody { Identities = taken, Overlays = body.Overlays, Seed = body.Seed };
    }

    /// <summary>The first so many, or such a share of them, in the order of a seed.</summary>
    /// <exception cref="IOException">It is no limit, or leaves nobody.</exception>
    public static IReadOnlyList<string> Take(IReadOnlyList<string> identities, string limit, int? seed)
    {
        var isShare = limit.EndsWith('%');
        if (!double.TryParse(limit.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number <= 0 || (isShare ? number > 100 : number != Math.Truncate(number)))
        {
            throw new IOException($"--limit is a number of nodes or a share such as 5%, and not '{limit}'");
        }

        // Cut off, as Choria does: a share of few nodes may be none.
        var count = (int)Math.Min(identities.Count, isShare ? Math.Truncate(identities.Count * number / 100) : number);
        var ordered = TargetOrder.Order(identities, identity => identity, seed);
        return count > 0 ? [.. ordered.Take(count)] : throw new IOException($"--limit {limit} of {identities.Count} nodes is none");
    }

    private JobTargetsBody Asked(ClientCall call, string agent)
    {
        var asked = FilterText.WithCombined(
            new RpcFilter(All(call, facts), All(call, classes), All(call, agents), All(call, identities), []), All(call, mixed));
        var how = call.Arguments.GetValue(discovery);
        var body = new JobTargetsBody
        {
            Facts = asked.Facts,
            Classes = asked.Classes,
            Agents = asked.Agents,
            Identities = asked.Identities,
            Overlays = All(call, overlays),
            Seed = call.Arguments.GetValue(seed),
            Broadcast = how == RpcDiscovery.Broadcast,
            Filter = how == RpcDiscovery.Broadcast ? null : call.Arguments.GetValue(filter),
            Compound = how == RpcDiscovery.Broadcast ? call.Arguments.GetValue(filter) : null,
        };
        if (how == RpcDiscovery.List && !JobTargetsReader.IsList(body))
        {
            throw new IOException("--dm list needs --identity, once for each node, and no filters beside it");
        }

        // As choria req does: nodes without the agent are not meant. Ours is on no node.
        return agent == JobAction.ControlPlaneAgent || JobTargetsReader.IsList(body)
            ? body
            : body with { Agents = [.. body.Agents.Append(agent).Distinct(StringComparer.Ordinal)] };
    }

    private static async Task<List<string>> ListAsync(ApiClient api, JobTargetsBody body, CancellationToken cancellationToken)
    {
        var parts = new[] { ("filter", body.Filter), ("state", nameof(NodeStage.Enrolled)) }
            .Concat(body.Facts.Select(fact => ("fact", (string?)fact)))
            .Concat(body.Classes.Select(name => ("class", (string?)name)))
            .Concat(body.Agents.Select(name => ("agent", (string?)name)))
            .Concat(body.Identities.Select(name => ("identity", (string?)name)));
        var query = string.Join(
            '&', parts.Where(part => part.Item2 is not null).Select(part => $"{part.Item1}={Uri.EscapeDataString(part.Item2!)}"));
        var nodes = await api.ListAsync<NodePage, RosterEntry>(
            $"v1/nodes?limit={PageNodes}&{query}", page => (page.Nodes, page.NextCursor), cancellationToken);
        return
        [
            .. nodes.Where(node => body.Overlays.Count == 0 || body.Overlays.Contains(node.Overlay ?? "")).Select(node => node.Identity),
        ];
    }

    private static string[] All(ClientCall call, Option<string[]> option) => call.Arguments.GetValue(option) ?? [];

    private static Option<string[]> Several(string name, string alias, string description) =>
        new(name, alias) { Description = description };
}
