using System.CommandLine;
using ControlPlane.Commands;
using DiffPlex;
using DiffPlex.Model;

namespace ControlPlane.Placement;

/// <summary><c>controlplane policy check|apply|show|history|diff</c>.</summary>
internal static class PolicyCommands
{
    public static Command Create() => new("policy", "The policy by which the region's nodes are placed.")
    {
        Check(),
        Apply(),
        Show(),
        History(),
        Diff(),
    };

    private static ClientCommand Check() => Judge(
        "check", "Reports every fault of a policy, and what it would change for the present fleet.", (_, text) => new PolicyBody(text));

    private static ClientCommand Apply()
    {
        var reason = new Option<string>("--reason") { Description = "Why, for the policy's history.", DefaultValueFactory = _ => "" };
        var command = Judge(
            "apply",
            "Puts a policy in force, unless it has errors.",
            (arguments, text) => new PolicyApplicationBody(text, arguments.GetRequiredValue(reason)));
        command.Add(reason);
        return command;
    }

    private static ClientCommand Judge(string verb, string description, Func<ParseResult, string, object> bodyOf)
    {
        var file = new Argument<string>("file") { Description = "The YAML document." };
        return new ClientCommand(verb, description, async (call, cancellationToken) =>
        {
            var path = call.Arguments.GetRequiredValue(file);
            var body = bodyOf(call.Arguments, await File.ReadAllTextAsync(path, cancellationToken));
            var verdict = await call.Api.PostAsync<PolicyVerdict>($"v1/placement/policy:{verb}", body, cancellationToken);
            Print(call.Print, path, verdict);
            if (verdict.HasErrors)
            {
                throw new ApiRefusedException(
                    $"{path} has {verdict.Faults.Count(fault => !fault.IsWarning)} errors; version {verdict.Version} stays in force");
            }
        })
        { file };
    }

    private static void Print(Printer print, string path, PolicyVerdict verdict)
    {
        var lines = verdict.Faults.Select(fault =>
            ($"{path}:{fault.Line}:{fault.Column}", (object?)(fault.IsWarning ? $"warning: {fault.Message}" : fault.Message)));
        if (verdict.DryRun is { } dryRun)
        {
            lines =
            [
                .. lines,
                ("nodes looked at", dryRun.Nodes),
                ("misplaced", dryRun.Misplaced.Count == 0 ? "none: it moves nothing"
                    : string.Join(", ", dryRun.Misplaced.Select(count => $"{count.Nodes} in {count.Overlay} by {count.Rule}"))),
                ("without a place", dryRun.Unplaceable),
                ("groups split", dryRun.SplitGroups),
                ("largest group", dryRun.LargestGroup is { Length: > 0 } largest ? largest : null),
                ("for example", dryRun.Examples is [var example, ..]
                    ? $"{example.Identity}: {example.Overlay} to {example.Target ?? "nowhere"} by {example.Rule}"
                    : null),
            ];
        }

        print.One(verdict, [.. lines, ("version in force", verdict.Version)]);
    }

    private static ClientCommand Show()
    {
        var version = VersionOption();
        return new ClientCommand("show", "Prints the policy in force, or an earlier version.", async (call, cancellationToken) =>
        {
            var policy = await ReadAsync(call, version, cancellationToken);
            call.Print.One(policy,
                ("policy", $"{policy.Name}@{policy.Version}"), ("applied", policy.AppliedAt), ("by", policy.Actor),
                ("reason", policy.Reason is { Length: > 0 } reason ? reason : null));
            foreach (var line in policy.Text.Split('\n'))
            {
                call.Print.Say(line);
            }
        })
        { version };
    }

    private static ClientCommand History() =>
        new("history", "Lists the versions that are kept, newest first.", async (call, cancellationToken) =>
        call.Print.List(
            await call.Api.GetAsync<IReadOnlyList<PolicyVersion>>("v1/placement/policies", cancellationToken),
            ("version", policy => policy.Version),
            ("name", policy => policy.Name),
            ("applied", policy => policy.AppliedAt),
            ("by", policy => policy.Actor),
            ("reason", policy => policy.Reason)));

    private static ClientCommand Diff()
    {
        var file = new Argument<string>("file") { Description = "The YAML document to compare with." };
        var version = VersionOption();
        return new ClientCommand("diff", "Compares the policy in force, or an earlier version, with a file.",
            async (call, cancellationToken) =>
        {
            var policy = await ReadAsync(call, version, cancellationToken);
            var text = await File.ReadAllTextAsync(call.Arguments.GetRequiredValue(file), cancellationToken);
            call.Print.List(Changes(Differ.Instance.CreateLineDiffs(policy.Text, text, ignoreWhitespace: false)),
                ("", line => line.Sign), ("line", line => line.Line), ("text", line => line.Text));
        })
        { file, version };
    }

    private static IReadOnlyList<ChangedLine> Changes(DiffResult diff) =>
    [
        .. diff.DiffBlocks.SelectMany(block => Lines('-', diff.PiecesOld, block.DeleteStartA, block.DeleteCountA)
            .Concat(Lines('+', diff.PiecesNew, block.InsertStartB, block.InsertCountB))),
    ];

    private static IEnumerable<ChangedLine> Lines(char sign, IReadOnlyList<string> text, int start, int count) =>
        Enumerable.Range(start, count).Select(at => new ChangedLine(sign, at + 1, text[at]));

    private static Option<int?> VersionOption() => new("--version") { Description = "An earlier version; the one in force without." };

    private static Task<PolicyVersion> ReadAsync(ClientCall call, Option<int?> version, CancellationToken cancellationToken) =>
        call.Api.GetAsync<PolicyVersion>(
            call.Arguments.GetValue(version) is { } number
                ? $"v1/placement/policy?version={number}"
                : "v1/placement/policy", cancellationToken);

    /// <summary>A line that one of two texts has and the other has not, numbered in the text that has it.</summary>
    private sealed record ChangedLine(char Sign, int Line, string Text);
}
