using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;

namespace ControlPlane.Access;

/// <summary>Guards a route: judged, recorded, then called, as the caller that it was authenticated for.</summary>
internal static class RouteAccess
{
    public static EndpointFilterDelegate Create(EndpointFilterFactoryContext route, EndpointFilterDelegate next)
    {
        var body = Array.FindIndex(
            route.MethodInfo.GetParameters(), parameter => parameter.GetCustomAttributes().OfType<IFromBodyMetadata>().Any());
        return call => InvokeAsync(call, body >= 0 ? call.GetArgument<object?>(body) : null, next);
    }

    private static async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext call, object? body, EndpointFilterDelegate next)
    {
        var context = call.HttpContext;
        var endpoint = context.GetEndpoint()!;
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return await next(call);
        }

        // Authentication came before: nobody gets here without it. A route that names no permission is our defect.
        var caller = Callers.OfOrNull(context) ?? throw new UnreachableException();
        var required = endpoint.Metadata.GetMetadata<RequiresAttribute>()
            ?? throw new AccessDeniedException($"{endpoint.DisplayName} names no permission, so nobody has it");
        CallerContext.Current = caller;
        object? answer = null;
        await context.RequestServices.GetRequiredService<AccessGuard>().InvokeAsync(
            caller,
            RequestOf(context, endpoint, required, body),
            async () =>
            {
                answer = await next(call);
                return OutcomeOf(answer);
            },
            context.RequestAborted);
        return answer;
    }

    private static AccessRequest RequestOf(HttpContext context, Endpoint endpoint, RequiresAttribute required, object? body)
    {
        var parameters = context.Request.RouteValues.Where(value => value.Value is not null)
            .Select(value => (value.Key, Value: Convert.ToString(value.Value, CultureInfo.InvariantCulture)!))
            .Concat(CallParameters.Of([body]).Select(part => (part.Key, part.Value)))
            .DistinctBy(part => part.Key)
            .ToDictionary(part => part.Key, part => part.Value, StringComparer.Ordinal);
        var action = body as INamesAction;
        return new AccessRequest(required.Permission)
        {
            Node = parameters.GetValueOrDefault("identity"),
            Overlay = parameters.GetValueOrDefault("overlay") ?? action?.Overlay,
            Plan = required.On == AccessTarget.Plan ? parameters.GetValueOrDefault("id") : null,
            Agent = action?.Agent,
            Action = action?.Action,
            AlsoActions = action?.AlsoActions ?? [],
            Targets = action?.TargetsMax,
            Reason = (body as IGivesReason)?.Reason,
            Operation = endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName
                ?? $"{context.Request.Method} {endpoint.DisplayName}",
            Parameters = parameters,
            Trace = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier,
        };
    }

    // The status tells what came of it; an answer without one is a success that says something.
    private static string OutcomeOf(object? answer) => answer switch
    {
        INestedHttpResult nested => OutcomeOf(nested.Result),
        IStatusCodeHttpResult { StatusCode: { } status } => status.ToString(CultureInfo.InvariantCulture),
        _ => "ok",
    };
}

/// <summary>A body in which the caller says why.</summary>
internal interface IGivesReason
{
    string Reason { get; }
}

/// <summary>A body that names the action that nodes are to do.</summary>
internal interface INamesAction
{
    string Agent { get; }

    string Action { get; }

    /// <summary>Other actions that nodes may be asked for along with it.</summary>
    IReadOnlyList<(string Agent, string Action)> AlsoActions { get; }

    /// <summary>The one overlay whose nodes are meant; null when there may be others.</summary>
    string? Overlay { get; }

    /// <summary>How many nodes are meant at most; null when the body does not say.</summary>
    int? TargetsMax { get; }
}
