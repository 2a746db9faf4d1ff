using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;

namespace ControlPlane.Replication;

/// <summary><c>controlplane replication list|show|pause|resume|verify</c>.</summary>
internal static class ReplicationCommands
{
    private const string Links = "v1/replication";
    private const int VerifiedByDefault = 10_000;

    public static Command Create() => new("replication", "Links: JetStream streams that are copied to others.")
    {
        List(),
        Show(),
        Tell("pause", "Copies nothing until the link is resumed."),
        Tell("resume", "Goes on where the link was paused; one that fails is tried at once."),
        Verify(),
    };

    private static ClientCommand List() => new("list", "Lists links by name.", async (call, cancellationToken) =>
        call.Print.List((await call.Api.GetAsync<ReplicationList>(Links, cancellationToken)).Links,
            ("name", link => link.Name),
            ("state", link => link.State),
            ("pending", link => link.Progress?.Pending),
            ("oldest", link => link.Progress?.OldestPendingAt),
            ("left", link => Percent(link.Progress)),
            ("gaps", link => link.Progress?.Gaps),
            ("source", link => link.Source),
            ("target", link => link.Target)));

    private static ClientCommand Show()
    {
        var link = new Argument<string>("link");
        return new ClientCommand("show", "Shows a link: what it does, and how far it is.", async (call, cancellationToken) =>
            Print(call, await call.Api.GetAsync<ReplicationSnapshot>(PathOf(call, link), cancellationToken)))
        { link };
    }

    private static ClientCommand Tell(string verb, string description)
    {
        var link = new Argument<string>("link");
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", Required = true };
        return new ClientCommand(verb, description, async (call, cancellationToken) =>
            Print(call, await call.Api.PostAsync<ReplicationSnapshot>(
                $"{PathOf(call, link)}:{verb}", new ReasonBody(call.Arguments.GetRequiredValue(reason)), cancellationToken)))
        { link, reason };
    }

    private static ClientCommand Verify()
    {
        var link = new Argument<string>("link");
        var copies = new Option<int>("--copies")
        {
            Description = $"How many of the last copies are compared at most, 1 to {IReplicationGrain.VerifiedMax}.",
            DefaultValueFactory = _ => VerifiedByDefault,
        };
        const string meaning = "Compares the last copies with what the source holds, and says where they differ.";
        return new ClientCommand("verify", meaning, async (call, cancellationToken) =>
        {
            var found = await call.Api.PostAsync<ReplicationVerification>(
                $"{PathOf(call, link)}:verify", new ReplicationVerifyBody(call.Arguments.GetRequiredValue(copies)), cancellationToken);
            call.Print.Whole(found, people =>
            {
                people.One(
                    found,
                    ("compared", $"{found.First} to {found.Last}"),
                    ("originals", found.Originals),
                    ("copies", found.Copies),
                    ("gaps", found.Gaps),
                    ("result", found.Differences.Count == 0 ? "the same on both sides" : "they differ"));
                if (found.Differences.Count > 0)
                {
                    people.List(
                        found.Differences,
                        ("first", range => range.First),
                        ("last", range => range.Last),
                        ("originals", range => range.Originals),
                        ("copies", range => range.Copies));
                }
            });
            return found.Differences.Count == 0 ? ExitCodes.Done : ExitCodes.Refused;
        })
        { link, copies };
    }

    private static string PathOf(ClientCall call, Argument<string> link) =>
        $"{Links}/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(link))}";

    private static string? Percent(ReplicationProgress? progress) => progress is null ? null : $"{progress.RetentionLeft * 100:0} %";

    private static void Print(ClientCall call, ReplicationSnapshot link) => call.Print.One(link,
        ("link", link.Name),
        ("source", link.Source),
        ("target", link.Target),
        ("state", link.State),
        ("since", link.Since),
        ("reason", link.Reason),
        ("copied through", link.Progress?.CopiedThrough),
        ("pending", link.Progress?.Pending),
        ("oldest pending", link.Progress?.OldestPendingAt),
        ("retention left", Percent(link.Progress)),
        ("copied", link.Progress is { } progress ? $"{progress.Copied} messages, {progress.CopiedBytes} bytes" : null),
        ("gaps", link.Progress?.Gaps),
        ("seen", link.Progress?.At));
}
