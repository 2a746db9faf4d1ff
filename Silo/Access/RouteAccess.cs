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
        var operation = endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName
            ?? $"{context.Request.Method} {endpoint.DisplayName}";
        var named = context.Request.RouteValues.Where(value => value.Value is not null)
            .ToDictionary(
                value => value.Key, value => Convert.ToString(value.Value, CultureInfo.InvariantCulture)!, StringComparer.Ordinal);
        return AccessRequests.Of(required, operation, named, [body]);
    }

    // The status tells what came of it; an answer without one is a success that says something.
    private static string OutcomeOf(object? answer) => answer switch
    {
        INestedHttpResult nested => OutcomeOf(nested.Result),
        IStatusCodeHttpResult { StatusCode: { } status } => status.ToString(CultureInfo.InvariantCulture),
        _ => "ok",
    };
}
