using System.Text.Json;
using ControlPlane.Access;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Store;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using NATS.Client.Core;
using Orleans.Runtime;

namespace ControlPlane.Api;

/// <summary>Every answer of the API that is not a success, and what each exception becomes: problem details (RFC 9457).</summary>
internal static class Problems
{
    /// <summary>What a problem's <c>type</c> begins with; the rest is a stable name.</summary>
    public const string TypePrefix = "urn:controlplane:problem:";

    public static ProblemHttpResult Malformed(string detail) =>
        Problem(StatusCodes.Status400BadRequest, "malformed-request", "The request is malformed", detail);

    /// <summary>All that is wrong with a request, each also by itself for programs.</summary>
    public static ProblemHttpResult Malformed(IReadOnlyList<string> faults) => TypedResults.Problem(
        string.Join("; ", faults),
        statusCode: StatusCodes.Status400BadRequest,
        title: "The request is malformed",
        type: TypePrefix + "malformed-request",
        extensions: new Dictionary<string, object?> { ["faults"] = faults });

    public static ProblemHttpResult UnknownNode(string identity) =>
        Problem(StatusCodes.Status404NotFound, "unknown-node", "The node is not known", $"nothing is known of a node '{identity}'");

    /// <summary>Nothing of that name: <paramref name="kind"/> is a word such as overlay or plan.</summary>
    public static ProblemHttpResult Unknown(string kind, string detail) =>
        Problem(StatusCodes.Status404NotFound, $"unknown-{kind}", $"There is no such {kind}", detail);

    public static ProblemHttpResult TooManyWatchers(int most) =>
        Problem(
            StatusCodes.Status503ServiceUnavailable,
            "too-many-watchers",
            "Too many watches are open",
            $"this silo serves {most}; try another, or later");

    public static ProblemHttpResult TooManyRequests(string detail) =>
        Problem(StatusCodes.Status429TooManyRequests, "too-many-requests", "Too many requests", detail);

    public static ProblemHttpResult EnrolmentUnderWay(NodeStage stage) =>
        Problem(
            StatusCodes.Status409Conflict, "enrolment-under-way", "The node is enrolling already", $"it has reached the stage '{stage}'");

    public static ProblemHttpResult NodeUnwilling(string detail) =>
        Problem(StatusCodes.Status409Conflict, "node-unwilling", "The node did not do it", detail);

    public static ProblemHttpResult IssuerCannotRevoke(string detail) =>
        Problem(StatusCodes.Status409Conflict, "issuer-cannot-revoke", "The certificate authority cannot revoke", detail);

    /// <summary>A refusal of the domain, named after the enumeration's value: <c>TokenExpired</c> becomes <c>token-expired</c>.</summary>
    public static ProblemHttpResult Refused(Enum reason, string title, string detail) =>
        Problem(StatusCodes.Status409Conflict, KebabCase(reason.ToString()), title, detail);

    public static IServiceCollection AddProblems(this IServiceCollection services)
    {
        services.AddExceptionHandler<ExceptionProblems>();
        return services.AddProblemDetails(options => options.CustomizeProblemDetails = context =>
        {
            // Answers that the framework makes by itself (401, 404, 405, 413, 415) get a name of ours too.
            var problem = context.ProblemDetails;
            var phrase = ReasonPhrases.GetReasonPhrase(problem.Status ?? context.HttpContext.Response.StatusCode);
            if (problem.Type?.StartsWith(TypePrefix, StringComparison.Ordinal) != true)
            {
                problem.Type = TypePrefix + phrase.ToLowerInvariant().Replace(' ', '-');
            }

            problem.Title ??= phrase;
            problem.Extensions.Remove("traceId");
        });
    }

    /// <summary>Refuses bodies in another encoding than UTF-8, of which the framework makes a fault of ours.</summary>
    public static IApplicationBuilder UseUtf8Bodies(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        var foreign = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            && type.Charset is { HasValue: true } charset
            && !HeaderUtilities.RemoveQuotes(charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);
        return foreign
            ? Problem(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "The body cannot be read",
                "the charset of a body must be utf-8").ExecuteAsync(context)
            : next(context);
    });

    private static ProblemHttpResult Problem(int status, string name, string title, string? detail) =>
        TypedResults.Problem(detail, statusCode: status, title: title, type: TypePrefix + name);

    private static string KebabCase(string name) =>
        string.Concat(name.Select((c, index) => $"{(char.IsUpper(c) && index > 0 ? "-" : "")}{char.ToLowerInvariant(c)}"));

    /// <summary>A defect of ours: its details are in the log, not in the answer.</summary>
    public static ProblemHttpResult Defect() =>
        Problem(StatusCodes.Status500InternalServerError, "internal", "The control plane has a defect", detail: null);

    /// <summary>What an exception is to the caller; null when it is a defect.</summary>
    public static ProblemHttpResult? Of(Exception fault) => fault switch
    {
        BadHttpRequestException malformed => Problem(malformed.StatusCode, "malformed-request", "The request is malformed",
            malformed.InnerException is JsonException json
                ? $"the body is not what this call takes, at {json.Path ?? "$"}"
                : malformed.Message),
        IssuerRefusedException or IssuerMisconfiguredException =>
            Problem(StatusCodes.Status502BadGateway, "issuer-refused", "The certificate authority refused", fault.Message),
        AccessDeniedException =>
            Problem(StatusCodes.Status403Forbidden, "denied", "The caller may not do it", fault.Message),
        AuditUnavailableException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "audit-unavailable", "The call cannot be recorded", fault.Message),
        LedgerUnavailableException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "ledger-unavailable", "The certificate ledger is away", fault.Message),
        IssuerUnavailableException or IssuerThrottledException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "issuer-unavailable", "The certificate authority is away", fault.Message),
        NodeElsewhereException =>
            Problem(StatusCodes.Status409Conflict, "node-elsewhere", "Another overlay owns the node", fault.Message),
        NotRegionLeaderException =>
            Problem(StatusCodes.Status409Conflict, "not-the-leader", "Another overlay leads the region", fault.Message),
        OverlayUnreachableException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "overlay-unreachable", "The overlay does not answer", fault.Message),
        OverlayRetiredException =>
            Problem(StatusCodes.Status409Conflict, "overlay-retired", "The overlay is retired", fault.Message),
        StoreUnavailableException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "broker-unavailable", "The broker did not do it", fault.Message),
        PlacementUnavailableException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "placement-unavailable", "Placement is starting again", fault.Message),
        NatsException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "broker-unavailable", "The broker did not do it", fault.Message),
        TimeoutException or OrleansException or TaskCanceledException =>
            Problem(StatusCodes.Status503ServiceUnavailable, "not-answering", "The control plane did not answer in time",
                "it is overloaded, or a silo has just stopped; the call may or may not have taken effect, and may be repeated"),
        _ => null,
    };
}

/// <summary>Answers for the exceptions that endpoints let through.</summary>
internal sealed partial class ExceptionProblems(ILogger<ExceptionProblems> logger) : IExceptionHandler
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        var problem = Problems.Of(exception);
        if (problem is null)
        {
            LogUnexpected(exception, context.Request.Method, context.Request.Path);
            problem = Problems.Defect();
        }

        if (problem.StatusCode == StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = $"{RetryAfter.TotalSeconds:0}";
        }

        await problem.ExecuteAsync(context);
        return true;
    }

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed unexpectedly")]
    private partial void LogUnexpected(Exception fault, string method, PathString path);
}
