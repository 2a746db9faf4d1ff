using System.Diagnostics;

namespace ControlPlane.Access;

/// <summary>Logs every call that would change something, the denied ones included, under the category <c>Audit</c>.</summary>
internal sealed partial class AuditTrail(RequestDelegate next, ILoggerFactory loggers)
{
    public const string Category = "Audit";

    private readonly ILogger _audit = loggers.CreateLogger(Category);

    public async Task InvokeAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            await next(context);
            return;
        }

        // What an exception that nothing below handled becomes.
        var status = StatusCodes.Status500InternalServerError;
        try
        {
            await next(context);
            status = context.Response.StatusCode;
        }
        finally
        {
            var trace = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;
            LogCall(Actor.Of(context), context.Request.Method, context.Request.Path, status, context.Connection.RemoteIpAddress, trace);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Actor} {Method} {Path} {Status} from {Address} trace {Trace}")]
    private partial void LogCall(string actor, string method, PathString path, int status, System.Net.IPAddress? address, string trace);
}

/// <summary>Whom a request is by.</summary>
internal static class Actor
{
    /// <summary>The authenticated name, or <c>anonymous</c> for a request that was not let in.</summary>
    public static string Of(HttpContext context) => context.User.Identity?.Name ?? "anonymous";
}
