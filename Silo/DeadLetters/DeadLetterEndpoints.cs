using System.ComponentModel;
using ControlPlane.Access;
using ControlPlane.Adapters.Nats;
using ControlPlane.Api;
using ControlPlane.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace ControlPlane.DeadLetters;

/// <summary>Fleet events that could not be delivered: what they are, and delivering them again.</summary>
/// <remarks>Operators of a silo look at its brokers here; no grain is asked.</remarks>
internal static class DeadLetterEndpoints
{
    private const int PageDefault = 100;
    private const int PageMax = 1000;
    private const string One = "/deadletters/{queue}/{id}";

    public static void MapDeadLetters(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/deadletters", Queues).WithName("ListDeadLetterQueues").WithTags("deadletters").Requires(Permissions.DeadLettersRead)
            .WithSummary("The queues that can have dead letters.");
        v1.MapGet("/deadletters/{queue}", ListAsync)
            .WithName("ListDeadLetters").WithTags("deadletters").Requires(Permissions.DeadLettersRead)
            .WithSummary("The dead letters of a queue, oldest first, without their payloads.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapGet(One, ShowAsync).WithName("GetDeadLetter").WithTags("deadletters").Requires(Permissions.DeadLettersRead)
            .WithSummary("One dead letter with its headers and its payload.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost(One + ":replay", ReplayAsync)
            .WithName("ReplayDeadLetter").WithTags("deadletters").Requires(Permissions.DeadLettersResolve)
            .WithSummary("Publishes a dead letter once more, as it was, and removes it. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost(One + ":drop", DropAsync).WithName("DropDeadLetter").WithTags("deadletters").Requires(Permissions.DeadLettersResolve)
            .WithSummary("Removes a dead letter for good.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static Ok<IReadOnlyCollection<string>> Queues(
        [FromKeyedServices(FleetStreams.Provider)] JetStreamDeadLetters letters) => TypedResults.Ok(letters.Queues);

    private static async Task<Results<Ok<DeadLetterPage>, ProblemHttpResult>> ListAsync(
        [FromKeyedServices(FleetStreams.Provider)] JetStreamDeadLetters letters,
        string queue,
        [Description("The nextAfter of the page before; the first page without.")] ulong after = 0,
        [Description("Letters per page, 1 to 1000.")] int limit = PageDefault,
        CancellationToken cancellationToken = default)
    {
        if (limit is < 1 or > PageMax)
        {
            return Problems.Malformed($"limit must be 1 to {PageMax}, is {limit}");
        }

        if (!letters.Queues.Contains(queue))
        {
            return UnknownQueue(letters, queue);
        }

        var page = new List<DeadLetterSummary>();
        await foreach (var letter in letters.ListAsync(queue, after, cancellationToken))
        {
            page.Add(DeadLetterSummary.Of(letter));
            if (page.Count == limit)
            {
                break;
            }
        }

        return TypedResults.Ok(new DeadLetterPage(page, page.Count == limit ? page[^1].Id : null));
    }

    private static async Task<Results<Ok<DeadLetterContent>, ProblemHttpResult>> ShowAsync(
        [FromKeyedServices(FleetStreams.Provider)] JetStreamDeadLetters letters,
        string queue,
        ulong id,
        CancellationToken cancellationToken) =>
        !letters.Queues.Contains(queue) ? UnknownQueue(letters, queue)
        : await letters.FindAsync(queue, id, cancellationToken) is { } letter
            ? TypedResults.Ok(new DeadLetterContent(DeadLetterSummary.Of(letter), letter.Headers, letter.Payload.ToArray()))
            : UnknownLetter(queue, id);

    private static async Task<Results<NoContent, ProblemHttpResult>> ReplayAsync(
        [FromKeyedServices(FleetStreams.Provider)] JetStreamDeadLetters letters,
        string queue,
        ulong id,
        [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] ResolutionBody? body,
        CancellationToken cancellationToken) =>
        !GivenReason.TryReadIfGiven(body?.Reason ?? "", out _) ? Problems.Malformed(GivenReason.RuleIfGiven)
        : !letters.Queues.Contains(queue) ? UnknownQueue(letters, queue)
        : await letters.ReplayAsync(queue, id, cancellationToken) ? TypedResults.NoContent()
        : UnknownLetter(queue, id);

    private static async Task<Results<NoContent, ProblemHttpResult>> DropAsync(
        [FromKeyedServices(FleetStreams.Provider)] JetStreamDeadLetters letters,
        string queue,
        ulong id,
        [FromBody(EmptyBodyBehavior = EmptyBodyBehavior.Allow)] ResolutionBody? body,
        CancellationToken cancellationToken) =>
        !GivenReason.TryReadIfGiven(body?.Reason ?? "", out _) ? Problems.Malformed(GivenReason.RuleIfGiven)
        : !letters.Queues.Contains(queue) ? UnknownQueue(letters, queue)
        : await letters.DropAsync(queue, id, cancellationToken) ? TypedResults.NoContent()
        : UnknownLetter(queue, id);

    private static ProblemHttpResult UnknownQueue(JetStreamDeadLetters letters, string queue) =>
        Problems.Unknown("queue", $"there is no queue '{queue}'; there are: {string.Join(", ", letters.Queues)}");

    private static ProblemHttpResult UnknownLetter(string queue, ulong id) =>
        Problems.Unknown("dead-letter", $"the queue '{queue}' has no dead letter {id} (any more)");
}

/// <param name="Reason">Why, for the record. At most 200 characters; none by default.</param>
internal sealed record ResolutionBody(string Reason = "") : IGivesReason;

/// <param name="Letters">The page, oldest first.</param>
/// <param name="NextAfter">What to ask for the next page with; null on the last one.</param>
internal sealed record DeadLetterPage(IReadOnlyList<DeadLetterSummary> Letters, ulong? NextAfter);

/// <summary>What a dead letter is, without what is in it.</summary>
internal sealed record DeadLetterSummary(
    string Queue, ulong Id, string Reason, string Subject, ulong Sequence, int PayloadBytes, DateTimeOffset StoredAt, DateTimeOffset DiedAt)
{
    public static DeadLetterSummary Of(DeadLetter letter) => new(
        letter.Queue, letter.Id, letter.Reason, letter.Subject, letter.Sequence, letter.Payload.Length, letter.StoredAt, letter.DiedAt);
}

/// <param name="Letter">What it is.</param>
/// <param name="Headers">Its headers.</param>
/// <param name="Payload">Its bytes; base64 in JSON.</param>
internal sealed record DeadLetterContent(DeadLetterSummary Letter, IReadOnlyDictionary<string, string> Headers, byte[] Payload);
