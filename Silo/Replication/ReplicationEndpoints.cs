using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Replication;

/// <summary>Links: JetStream streams that are copied to others.</summary>
internal static class ReplicationEndpoints
{
    private const string Tag = "replication";

    public static void MapReplication(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/replication", ListAsync).WithName("ListReplication").WithTags(Tag).Requires(Permissions.ReplicationRead)
            .WithSummary("All links of this site, by name.");
        v1.MapGet("/replication/{link}", ShowAsync).WithName("GetReplication").WithTags(Tag).Requires(Permissions.ReplicationRead)
            .WithSummary("How a link stands: what it does, how far it is, and how much time is left until its source drops messages.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/replication/{link}:pause", Tell((link, reason) => link.Pause(reason)))
            .WithName("PauseReplication").WithTags(Tag).Requires(Permissions.ReplicationWrite)
            .WithSummary("Copies nothing until the link is resumed. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/replication/{link}:resume", Tell((link, reason) => link.Resume(reason)))
            .WithName("ResumeReplication").WithTags(Tag).Requires(Permissions.ReplicationWrite)
            .WithSummary("Goes on with a link where it was paused; one that fails is tried at once. Safe to repeat.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        v1.MapPost("/replication/{link}:verify", VerifyAsync)
            .WithName("VerifyReplication").WithTags(Tag).Requires(Permissions.ReplicationRead)
            .WithSummary("Compares the last copies with what the source holds, by digests of ranges. Changes nothing.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Ok<ReplicationList>> ListAsync(IGrainFactory grains) =>
        TypedResults.Ok(new ReplicationList(await grains.GetReplicationList().List()));

    private static async Task<Results<Ok<ReplicationSnapshot>, ProblemHttpResult>> ShowAsync(IGrainFactory grains, string link) =>
        AnswerOf(link, await grains.GetReplication(link).Get());

    private static Func<IGrainFactory, string, ReasonBody, Task<Results<Ok<ReplicationSnapshot>, ProblemHttpResult>>> Tell(
        Func<IReplicationGrain, string, Task<ReplicationSnapshot?>> tell) =>
        async (IGrainFactory grains, string link, [FromBody] ReasonBody body) =>
            GivenReason.TryRead(body.Reason, out var reason)
                ? AnswerOf(link, await tell(grains.GetReplication(link), reason))
                : Problems.Malformed(GivenReason.Rule);

    private static async Task<Results<Ok<ReplicationVerification>, ProblemHttpResult>> VerifyAsync(
        IGrainFactory grains, string link, [FromBody] ReplicationVerifyBody body) =>
        body.CopiesMax is < 1 or > IReplicationGrain.VerifiedMax
            ? Problems.Malformed($"copiesMax must be 1 to {IReplicationGrain.VerifiedMax}, is {body.CopiesMax}")
            : AnswerOf(link, await grains.GetReplication(link).Verify(body.CopiesMax));

    private static Results<Ok<T>, ProblemHttpResult> AnswerOf<T>(string link, T? answer)
        where T : class =>
        answer is null ? Problems.Unknown("link", $"no link '{link}' is configured here") : TypedResults.Ok(answer);
}

/// <param name="Links">By name.</param>
internal sealed record ReplicationList(IReadOnlyList<ReplicationSnapshot> Links);

/// <param name="CopiesMax">How many of the last copies are compared at most: 1 to 100 000.</param>
internal sealed record ReplicationVerifyBody(int CopiesMax);
