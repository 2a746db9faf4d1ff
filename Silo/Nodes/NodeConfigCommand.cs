using System.CommandLine;
using ControlPlane.Commands;

namespace ControlPlane.Nodes;

/// <summary><c>controlplane node config IDENTITY [--dry-run]</c>: what a node has, or would get.</summary>
internal static class NodeConfigCommand
{
    public static ClientCommand Create()
    {
        var identity = new Argument<string>("identity");
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "What it would be configured with now, who says each line, and what would change. Nothing is sent.",
        };
        return new ClientCommand("config", "Shows what a node was configured with; secrets are masked.", async (call, cancellationToken) =>
        {
            var path = $"v1/nodes/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(identity))}/configuration";
            var view = await call.Api.GetAsync<NodeConfigurationView>(path, cancellationToken);
            if (call.Arguments.GetValue(dryRun))
            {
                call.Print.Whole(view, print => Preview(print, view));
            }
            else
            {
                var sent = view.Settings.Where(line => line.Sent is not null).ToList();
                call.Print.List(sent, ("key", line => line.Key), ("value", line => line.Sent));
            }
        })
        { identity, dryRun };
    }

    private static void Preview(Printer print, NodeConfigurationView view)
    {
        print.List(view.Settings,
            ("", line => Sign(line, view.IsSentKnown)),
            ("key", line => line.Key),
            ("value", line => line.Value),
            ("from", line => line.Origin),
            ("sent", line => line.Sent == line.Value ? null : line.Sent));
        foreach (var policy in view.Policies)
        {
            print.Say($"policy {policy.Key} from {policy.Origin}:\n{policy.Value}");
        }

        foreach (var note in view.Notes)
        {
            print.Say($"note: {note}");
        }
    }

    private static string? Sign(ConfigurationLine line, bool isSentKnown) => !isSentKnown ? null
        : line.Value is null ? "-"
        : line.Sent is null ? "+"
        : line.Sent != line.Value ? "~"
        : null;
}
