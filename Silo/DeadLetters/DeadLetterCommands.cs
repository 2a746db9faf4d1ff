using System.CommandLine;
using System.Text;
using ControlPlane.Commands;

namespace ControlPlane.DeadLetters;

/// <summary><c>controlplane deadletter list|show|replay|drop</c>.</summary>
internal static class DeadLetterCommands
{
    private const string Root = "v1/deadletters";
    private const int PageLetters = 1000;

    public static Command Create() => new("deadletter", "Fleet events that could not be delivered.") { List(), Show(), Replay(), Drop() };

    private static ClientCommand List()
    {
        var limit = new Option<int>("--limit") { Description = "At most so many of each queue.", DefaultValueFactory = _ => PageLetters };
        return new ClientCommand("list", "Lists the dead letters of all queues, oldest first.", async (call, cancellationToken) =>
        {
            var letters = new List<DeadLetterSummary>();
            var cut = new List<string>();
            foreach (var queue in await call.Api.GetAsync<IReadOnlyList<string>>(Root, cancellationToken))
            {
                var path = $"{Root}/{Uri.EscapeDataString(queue)}?limit={Math.Clamp(call.Arguments.GetValue(limit), 1, PageLetters)}";
                var page = await call.Api.GetAsync<DeadLetterPage>(path, cancellationToken);
                letters.AddRange(page.Letters);
                cut.AddRange(page.NextAfter is null ? [] : [queue]);
            }

            call.Print.List(letters,
                ("queue", letter => letter.Queue),
                ("id", letter => letter.Id),
                ("died", letter => letter.DiedAt),
                ("subject", letter => letter.Subject),
                ("bytes", letter => letter.PayloadBytes),
                ("reason", letter => letter.Reason));
            cut.ForEach(queue => call.Print.Say($"there may be more of {queue}"));
        })
        { limit };
    }

    private static ClientCommand Show() => OfOne("show", "Shows a dead letter with its payload.", async (call, path, cancellationToken) =>
    {
        var content = await call.Api.GetAsync<DeadLetterContent>(path, cancellationToken);
        call.Print.One(content,
            ("queue", content.Letter.Queue),
            ("id", content.Letter.Id),
            ("reason", content.Letter.Reason),
            ("subject", content.Letter.Subject),
            ("sequence", content.Letter.Sequence),
            ("stored", content.Letter.StoredAt),
            ("died", content.Letter.DiedAt),
            ("headers", string.Join(", ", content.Headers.Select(header => $"{header.Key}: {header.Value}"))),
            ("payload", Encoding.UTF8.GetString(content.Payload)));
    });

    private static ClientCommand Replay() => Resolve("replay", "Delivers a dead letter once more.", "published again");

    private static ClientCommand Drop() => Resolve("drop", "Removes a dead letter for good.", "removed");

    private static ClientCommand Resolve(string verb, string description, string done)
    {
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", DefaultValueFactory = _ => "" };
        var command = OfOne(verb, description, async (call, path, cancellationToken) =>
        {
            await call.Api.PostAsync($"{path}:{verb}", new ResolutionBody(call.Arguments.GetRequiredValue(reason)), cancellationToken);
            call.Print.Say(done);
        });
        command.Add(reason);
        return command;
    }

    private static ClientCommand OfOne(string name, string description, Func<ClientCall, string, CancellationToken, Task> run)
    {
        var queue = new Argument<string>("queue");
        var id = new Argument<ulong>("id");
        return new ClientCommand(name, description, (call, cancellationToken) =>
        {
            var path = $"{Root}/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(queue))}/{call.Arguments.GetValue(id)}";
            return run(call, path, cancellationToken);
        })
        { queue, id };
    }
}
