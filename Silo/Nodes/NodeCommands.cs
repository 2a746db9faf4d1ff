using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;

namespace ControlPlane.Nodes;

/// <summary><c>controlplane node list|query|count|show|config|reprovision|decommission</c>.</summary>
internal static class NodeCommands
{
    private const int PageNodes = 1000;

    public static Command Create() => new("node", "The nodes of this silo's overlay.")
    {
        Aliases = { "nodes" },
        Subcommands =
        {
            List(), NodeQueryCommand.Create(), NodeQueryCommand.CreateCount(), Show(), NodeConfigCommand.Create(), Reprovision(),
            Decommission(),
        },
    };

    private static ClientCommand List()
    {
        var state = new Option<NodeStage?>("--state") { Description = "Only nodes in this stage." };
        var limit = new Option<int>("--limit") { Description = "At most so many nodes.", DefaultValueFactory = _ => PageNodes };
        return new ClientCommand("list", "Lists nodes in order of identity.", async (call, cancellationToken) =>
        {
            var nodes = await ReadAsync(
                call.Api, call.Arguments.GetValue(state), Math.Max(1, call.Arguments.GetValue(limit)), cancellationToken);
            call.Print.List(nodes,
                ("identity", node => node.Identity),
                ("stage", node => node.Stage),
                ("overlay", node => node.Overlay),
                ("since", node => node.Since),
                ("due", node => node.DueAt),
                ("reason", node => node.Reason));
        })
        { state, limit };
    }

    private static async Task<List<RosterEntry>> ReadAsync(ApiClient api, NodeStage? state, int limit, CancellationToken cancellationToken)
    {
        var nodes = new List<RosterEntry>();
        string? cursor = null;
        do
        {
            var path = $"v1/nodes?limit={Math.Min(PageNodes, limit - nodes.Count)}&state={state}&cursor={cursor}";
            var page = await api.GetAsync<NodePage>(path, cancellationToken);
            nodes.AddRange(page.Nodes);
            cursor = page.NextCursor;
        }
        while (cursor is not null && nodes.Count < limit);

        return nodes;
    }

    private static ClientCommand Show()
    {
        var identity = new Argument<string>("identity");
        return new ClientCommand("show", "Shows one node with its history.", async (call, cancellationToken) =>
        {
            var path = $"v1/nodes/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(identity))}";
            var node = await call.Api.GetAsync<NodeSnapshot>(path, cancellationToken);
            call.Print.One(node,
                ("identity", node.Identity),
                ("stage", node.Stage),
                ("reason", node.Reason),
                ("refusal", node.Refusal),
                ("protocol", node.Protocol),
                ("agent", node.AgentVersion),
                ("attempt", node.Attempt),
                ("overlay", node.Overlay),
                ("placement", node.PlacementReason),
                ("certificate", node.Certificate is { } held ? $"{held.SerialNumber} by {held.Issuer} until {held.NotAfter:u}" : null),
                ("server token until", node.ServerTokenExpiresAt),
                ("due", node.DueAt),
                ("first seen", node.FirstSeenAt),
                ("last seen", node.LastSeenAt));
            foreach (var step in node.History)
            {
                call.Print.Say($"  {step.At:u} #{step.Attempt} {step.Stage} {step.Detail}");
            }
        })
        { identity };
    }

    private static ClientCommand Reprovision() => Tell(
        "reprovision", "Makes a node enrol anew.", "will enrol anew", reason => new ReasonBody(reason));

    private static ClientCommand Decommission() => Tell(
        "decommission",
        "Takes a node out of the fleet: it is told to shut down, its certificates are revoked and its place is freed.",
        "is out of the fleet; 'node reprovision' takes it up again",
        reason => new ReasonBody(reason),
        async (api, path, body, cancellationToken) =>
        {
            var outcome = await api.PostAsync<DecommissionOutcome>(path, body, cancellationToken);
            return [outcome.Shutdown, .. outcome.Remaining];
        });

    private static ClientCommand Tell(
        string verb,
        string description,
        string done,
        Func<string, object> body,
        Func<ApiClient, string, object, CancellationToken, Task<IReadOnlyList<string>>>? post = null)
    {
        var identity = new Argument<string>("identity");
        var reason = new Option<string>("--reason") { Description = "Why, for the node's history.", Required = true };
        return new ClientCommand(verb, description, async (call, cancellationToken) =>
        {
            var name = call.Arguments.GetRequiredValue(identity);
            var path = $"v1/nodes/{Uri.EscapeDataString(name)}:{verb}";
            var told = body(call.Arguments.GetRequiredValue(reason));
            IReadOnlyList<string> notes = [];
            if (post is null)
            {
                await call.Api.PostAsync(path, told, cancellationToken);
            }
            else
            {
                notes = await post(call.Api, path, told, cancellationToken);
            }

            call.Print.Say($"{name} {done}");
            foreach (var note in notes)
            {
                call.Print.Say($"  {note}");
            }
        })
        { identity, reason };
    }
}
