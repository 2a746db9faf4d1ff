using System.ComponentModel;
using Microsoft.AspNetCore.Http.Metadata;

namespace ControlPlane.Api;

/// <summary>Refuses a request with a parameter that cannot be read, and names it.</summary>
/// <remarks>
/// The routes that ASP.NET's generator compiles throw for a parameter that must be there. For one that need not be there they set status
/// 400, call the filters as if nothing were wrong, and say nothing.
/// </remarks>
internal static class UnreadParameters
{
    public static ValueTask<object?> RefuseAsync(EndpointFilterInvocationContext call, EndpointFilterDelegate next) =>
        call.HttpContext.Response.StatusCode == StatusCodes.Status400BadRequest
            ? throw new BadHttpRequestException(DescribeFault(call.HttpContext))
            : next(call);

    private static string DescribeFault(HttpContext context)
    {
        var unread = context.GetEndpoint()!.Metadata.GetOrderedMetadata<IParameterBindingMetadata>()
            .Where(parameter => parameter.HasTryParse)
            .Select(parameter => (parameter.Name, Text: context.Request.Query[parameter.Name].ToString(), Type: TypeOf(parameter)))
            .FirstOrDefault(one => one.Text.Length > 0 && !TypeDescriptor.GetConverter(one.Type).IsValid(one.Text));
        return unread.Name is { } name
            ? $"parameter {name} must be {WordOf(unread.Type)}, is '{unread.Text}'"
            : "a parameter of the query cannot be read";
    }

    private static Type TypeOf(IParameterBindingMetadata parameter) =>
        Nullable.GetUnderlyingType(parameter.ParameterInfo.ParameterType) ?? parameter.ParameterInfo.ParameterType;

    // In the words of the OpenAPI document.
    private static string WordOf(Type type) =>
        type == typeof(bool) ? "true or false" : type == typeof(DateTimeOffset) ? "a date-time" : "an integer";
}
