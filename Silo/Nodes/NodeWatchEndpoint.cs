using System.ComponentModel;
using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using ControlPlane.Access;
using ControlPlane.Api;
using ControlPlane.Fleet;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Nodes;

/// <summary>Changes of nodes as server-sent events, from where a watcher was.</summary>
internal static class NodeWatchEndpoint
{
    private const int BatchesAtOnce = 64;

    /// <summary>Quiet connections are cut by what lies between; this keeps them.</summary>
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(15);

    public static void MapNodeWatch(this IEndpointRouteBuilder v1) =>
        v1.MapGet("/nodes:watch", Watch).WithName("WatchNodes").WithTags("nodes").Requires(Permissions.NodesRead)
            .WithSummary("Changes of nodes as server-sent events. An event's id is the cursor to go on from.")
            .WithDescription(
                "Events: position (where a watch without cursor begins), changes (nodes as they stand now), too-old (changes were missed: read all nodes "
                + "again, the watch goes on from its id), ping.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static Results<ServerSentEventsResult<WatchEvent>, ProblemHttpResult> Watch(
        INodeChangeFeed feed,
        WatcherLimit places,
        HttpContext http,
        [FromHeader(Name = "Last-Event-ID"),
         Description("The id of the last event that was seen; browsers send it by themselves.")]
        string? lastEventId = null,
        [Description("The same, for clients that cannot set the header.")] string? cursor = null,
        CancellationToken cancellationToken = default)
    {
        var text = string.IsNullOrEmpty(lastEventId) ? cursor : lastEventId;
        ulong? position = null;
        if (!string.IsNullOrEmpty(text))
        {
            if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var read))
            {
                return Problems.Malformed("the cursor is not one that this API gave");
            }

            position = read;
        }

        return places.TryTake(http.Response)
            ? TypedResults.ServerSentEvents(Follow(feed, position, cancellationToken))
            : Problems.TooManyWatchers(WatcherLimit.Max);
    }

    private static async IAsyncEnumerable<SseItem<WatchEvent>> Follow(
        INodeChangeFeed feed, ulong? position, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            switch (await ReadOrNullAsync(feed, position, cancellationToken))
            {
                case null:
                    yield return new SseItem<WatchEvent>(new WatchEvent([]), "ping");
                    break;

                case FeedRead.TooOld tooOld:
                    position = tooOld.Position;
                    yield return Item("too-old", tooOld.Position, []);
                    break;

                case FeedRead.Changes { Batches.Count: 0 } begin:
                    position = begin.Position;
                    yield return Item("position", begin.Position, []);
                    break;

                case FeedRead.Changes changes:
                    position = changes.Position;
                    foreach (var batch in changes.Batches)
                    {
                        yield return Item("changes", batch.Position, batch.Changes);
                    }

                    break;
            }
        }
    }

    /// <summary>What comes next; null when nothing did for a while.</summary>
    private static async Task<FeedRead?> ReadOrNullAsync(INodeChangeFeed feed, ulong? position, CancellationToken cancellationToken)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        pause.CancelAfter(PingInterval);
        try
        {
            return await feed.ReadAsync(position, BatchesAtOnce, pause.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static SseItem<WatchEvent> Item(string kind, ulong position, IReadOnlyList<NodeChange> changes) =>
        new(new WatchEvent(changes), kind) { EventId = position.ToString(CultureInfo.InvariantCulture) };
}

/// <param name="Changes">Nodes as they stand now; empty but in events of the type <c>changes</c>.</param>
internal sealed record WatchEvent(IReadOnlyList<NodeChange> Changes);
