using System.CommandLine;
using ControlPlane.Commands;

namespace ControlPlane.Nodes;

/// <summary><c>controlplane node query|count</c>: searching for nodes by what they say of themselves and how they stand.</summary>
internal static class NodeQueryCommand
{
    private const int PageNodes = 1000;

    public static ClientCommand Create()
    {
        var search = new Search();
        var limit = new Option<int>("--limit") { Description = "At most so many nodes.", DefaultValueFactory = _ => PageNodes };
        const string meaning = "Finds nodes by facts, classes, agents and how they stand.";
        return search.AddTo(new ClientCommand("query", meaning, async (call, cancellationToken) =>
        {
            var nodes = await ReadAsync(call.Api, search.Write(call), Math.Max(1, call.Arguments.GetValue(limit)), cancellationToken);
            call.Print.List(nodes,
                ("identity", node => node.Identity),
                ("stage", node => node.Stage),
                ("liveness", node => node.Liveness),
                ("overlay", node => node.Overlay),
                ("version", node => node.AgentVersion),
                ("reason", node => node.Reason));
        })
        { limit });
    }

    public static ClientCommand CreateCount()
    {
        var fact = new Argument<string>("fact") { Description = "The path of the fact, e.g. os.family." };
        var search = new Search();
        return search.AddTo(new ClientCommand("count", "Counts nodes by the values of a fact.", async (call, cancellationToken) =>
        {
            var name = Uri.EscapeDataString(call.Arguments.GetRequiredValue(fact));
            var counts = await call.Api.GetAsync<FactCounts>($"v1/facts/{name}:count?{search.Write(call)}", cancellationToken);
            call.Print.List(
                [.. counts.Values, new FactCount("(others)", counts.Others), new FactCount("(missing)", counts.Missing)],
                ("value", count => count.Value),
                ("nodes", count => count.Nodes));
        })
        { fact });
    }

    private static async Task<List<RosterEntry>> ReadAsync(ApiClient api, string search, int limit, CancellationToken cancellationToken)
    {
        var nodes = new List<RosterEntry>();
        string? cursor = null;
        do
        {
            var page = await api.GetAsync<NodePage>(
                $"v1/nodes?limit={Math.Min(PageNodes, limit - nodes.Count)}&cursor={cursor}&{search}", cancellationToken);
            nodes.AddRange(page.Nodes);
            cursor = page.NextCursor;
        }
        while (cursor is not null && nodes.Count < limit);

        return nodes;
    }

    /// <summary>What both commands take to say which nodes are meant.</summary>
    private sealed class Search
    {
        private readonly Option<string?> _filter =
            new("--filter", "-S") { Description = "An expression: country=uk and not (role::db or /^web/)." };
        private readonly Option<string[]> _facts =
            new("--fact", "-F") { Description = "A comparison such as os.release.major>=12; all must hold." };
        private readonly Option<string[]> _classes = new("--class", "-C") { Description = "A class, or /regex/; all must be there." };
        private readonly Option<string[]> _agents = new("--agent", "-A") { Description = "An agent, or /regex/; all must be there." };
        private readonly Option<string[]> _identities =
            new("--identity", "-I") { Description = "An identity, or /regex/; one must match." };
        private readonly Option<NodeStage?> _state = new("--state") { Description = "Only nodes in this stage." };
        private readonly Option<NodeLiveness?> _liveness = new("--liveness") { Description = "Only nodes that are this alive." };
        private readonly Option<string?> _overlay = new("--overlay") { Description = "Only nodes of this overlay." };
        private readonly Option<string?> _version =
            new("--version-of-agent") { Description = "Only nodes that run this version of Choria." };

        public ClientCommand AddTo(ClientCommand command)
        {
            foreach (var option in new Option[] { _filter, _facts, _classes, _agents, _identities, _state, _liveness, _overlay, _version })
            {
                command.Add(option);
            }

            return command;
        }

        /// <summary>The query string.</summary>
        public string Write(ClientCall call)
        {
            var parts = new List<(string Name, string? Value)>
            {
                ("filter", call.Arguments.GetValue(_filter)),
                ("state", call.Arguments.GetValue(_state)?.ToString()),
                ("liveness", call.Arguments.GetValue(_liveness)?.ToString()),
                ("overlay", call.Arguments.GetValue(_overlay)),
                ("version", call.Arguments.GetValue(_version)),
            };
            parts.AddRange(
                All("fact", _facts).Concat(All("class", _classes)).Concat(All("agent", _agents)).Concat(All("identity", _identities)));
            return string.Join(
                '&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));

            IEnumerable<(string Name, string? Value)> All(string name, Option<string[]> option) =>
                (call.Arguments.GetValue(option) ?? []).Select(value => (name, (string?)value));
        }
    }
}
