using Microsoft.OpenApi;

namespace ControlPlane.Api;

/// <summary>The description of the API at <c>/openapi/v1.json</c>; <c>docs/openapi.json</c> is a copy that a test compares.</summary>
internal static class OpenApiDocument
{
    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
        options.AddOperationTransformer((operation, _, _) =>
        {
            // ASP.NET's generator takes a list for required: one that is not there is empty.
            foreach (var list in operation.Parameters?.OfType<OpenApiParameter>().Where(IsList) ?? [])
            {
                list.Required = false;
            }

            return Task.CompletedTask;
        }).AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "ControlPlane",
                Version = "v1",
                Description = "Problems are application/problem+json; their type begins with " + Problems.TypePrefix + ".",
            };

            // Where it is served is configuration, not contract.
            document.Servers?.Clear();
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] }];
            return Task.CompletedTask;
        }));

    private static bool IsList(OpenApiParameter parameter) =>
        parameter.In == ParameterLocation.Query && parameter.Schema?.Type?.HasFlag(JsonSchemaType.Array) == true;
}
