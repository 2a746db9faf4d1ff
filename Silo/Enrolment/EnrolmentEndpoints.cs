using System.ComponentModel;
using ControlPlane.Access;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Enrolment;

/// <summary>Whether nodes may enrol into an overlay: paused, limited, stopped by the brake.</summary>
internal static class EnrolmentEndpoints
{
    public static void MapEnrolment(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/overlays/{overlay}/enrolment", Show).Named(
            "GetEnrolment", Permissions.EnrolmentRead, "Whether nodes may enrol into an overlay, and how many.");
        v1.MapPost("/overlays/{overlay}:pause-enrolment", Pause).Named(
            "PauseEnrolment", Permissions.EnrolmentControl, "Lets no enrolment into the overlay begin; those whose nodes made their keys are finished. Safe to repeat.");
        v1.MapPost("/overlays/{overlay}:resume-enrolment", Resume).Named(
            "ResumeEnrolment", Permissions.EnrolmentControl, "Lets paused enrolments go on. Leaves the brake alone. Safe to repeat.");
        v1.MapPost("/overlays/{overlay}:release-enrolment-brake", Release).Named(
            "ReleaseEnrolmentBrake", Permissions.EnrolmentControl, "Lets the nodes go on that the brake stopped. Safe to repeat.");
        v1.MapPut("/overlays/{overlay}/enrolment-limit", Limit).Named(
            "LimitEnrolment", Permissions.EnrolmentControl, "How many enrolments into the overlay may begin in a minute, on all silos together. Safe to repeat.");
    }

    private static void Named(this RouteHandlerBuilder route, string name, string permission, string summary) => route
        .WithName(name).WithTags("overlays").Requires(permission).WithSummary(summary)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound);

    private static async Task<Results<Ok<EnrolmentControl>, ProblemHttpResult>> Show(IGrainFactory grains, string overlay) =>
        Answer(overlay, await grains.GetGrain<IEnrolmentControlGrain>(overlay).Get());

    private static Task<Results<Ok<EnrolmentControl>, ProblemHttpResult>> Pause(
        IGrainFactory grains, string overlay, [FromBody] ReasonBody body) =>
        Change(grains, overlay, body.Reason, (control, change) => control.Pause(change));

    private static Task<Results<Ok<EnrolmentControl>, ProblemHttpResult>> Resume(
        IGrainFactory grains, string overlay, [FromBody] ReasonBody body) =>
        Change(grains, overlay, body.Reason, (control, change) => control.Resume(change));

    private static Task<Results<Ok<EnrolmentControl>, ProblemHttpResult>> Release(
        IGrainFactory grains, string overlay, [FromBody] ReasonBody body) =>
        Change(grains, overlay, body.Reason, (control, change) => control.ReleaseBrake(change));

    private static async Task<Results<Ok<EnrolmentControl>, ProblemHttpResult>> Limit(
        IGrainFactory grains, string overlay, [FromBody] EnrolmentLimitBody body) =>
        body.PerMinute is < 1 or > IEnrolmentControlGrain.PerMinuteMax
            ? Problems.Malformed($"perMinute must be 1 to {IEnrolmentControlGrain.PerMinuteMax}, or null for no limit, is {body.PerMinute}")
            : await Change(grains, overlay, body.Reason, (control, change) => control.Limit(body.PerMinute, change));

    private static async Task<Results<Ok<EnrolmentControl>, ProblemHttpResult>> Change(
        IGrainFactory grains,
        string overlay,
        string given,
        Func<IEnrolmentControlGrain, ControlChange, Task<EnrolmentControl?>> change) =>
        GivenReason.TryRead(given, out var reason)
            ? Answer(overlay, await change(grains.GetGrain<IEnrolmentControlGrain>(overlay), new ControlChange(reason)))
            : Problems.Malformed(GivenReason.Rule);

    private static Results<Ok<EnrolmentControl>, ProblemHttpResult> Answer(string overlay, EnrolmentControl? control) =>
        control is null ? Problems.Unknown("overlay", $"no overlay '{overlay}' is configured here") : TypedResults.Ok(control);
}

/// <param name="PerMinute">How many may begin in a minute, 1 to 100 000; null: as many as can be borne.</param>
/// <param name="Reason">Why. 1 to 200 characters.</param>
internal sealed record EnrolmentLimitBody(
    [property: Description("1 to 100 000; null: as many as can be borne.")] int? PerMinute, string Reason) : IGivesReason;
