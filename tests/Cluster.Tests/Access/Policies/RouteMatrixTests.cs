using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ControlPlane.Access;
using ControlPlane.Adapters.Nats;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Access.Policies;

/// <summary>
/// Every route, over HTTP, as callers who have only the permission that it names, all but that one, and none: what a route demands is not
/// what it says but whom it lets in.
/// </summary>
public sealed partial class RouteMatrixTests : IAsyncLifetime
{
    private const string Everything = "all";

    /// <summary>What a policy can give: one's own is everybody's who is authenticated.</summary>
    private static readonly string[] Given = [.. Permissions.All.Where(permission => permission != Permissions.AccessSelf)];

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-matrix-").FullName;
    private readonly JsonNode document =
        JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "openapi.json")))!;

    private ApiHost api = null!;

    public async ValueTask InitializeAsync()
    {
        var (tokens, policy) = (Path.Combine(folder, "tokens"), Path.Combine(folder, "access.yaml"));
        await File.WriteAllLinesAsync(tokens, Callers.Append(Everything).Select(caller => $"{caller} {TokenOf(caller)}"));
        await File.WriteAllTextAsync(policy, PolicyOf());

        // Dead letters are looked for on brokers, which nobody gets to who is denied.
        var letters = RuntimeHelpers.GetUninitializedObject(typeof(JetStreamDeadLetters));
        api = await ApiHost.StartAsync(
            services => services.AddKeyedSingleton(FleetStreams.Provider, (JetStreamDeadLetters)letters),
            ("Access:Tokens:Files:0", tokens),
            ("Access:Policy:File", policy),
            ("Access:Limits:AddressRate", "10000"),
            ("Access:Limits:PrincipalRate", "10000"));
    }

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task ARoute_LetsIn_WhoHasItsPermission_AndNobodyElse()
    {
        var wrong = new List<string>();
        var routes = api.Endpoints.OfType<RouteEndpoint>().SelectMany(RequestsOf).ToList();
        foreach (var (method, pattern, permission) in routes)
        {
            IEnumerable<(string? Caller, HttpStatusCode? Expected)> callers = permission == Permissions.AccessSelf
                ? [(null, HttpStatusCode.Unauthorized), (Everything, null), (Only(Given[0]), null)]
                : [(null, HttpStatusCode.Unauthorized), (AllBut(permission), HttpStatusCode.Forbidden), (Only(permission), null)];
            foreach (var (caller, expected) in callers)
            {
                var status = await AskAsync(method, pattern, caller);
                var isRight = expected is null
                    ? status is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests)
                    : status == expected || (caller is null && !pattern.StartsWith("/v1", StringComparison.Ordinal) && IsSignIn(status));
                if (!isRight)
                {
                    wrong.Add($"{method} {pattern} answered {caller ?? "nobody"} with {(int)status}");
                }
            }
        }

        Assert.True(routes.Count > 60, $"only {routes.Count} routes");
        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    private static IEnumerable<string> Callers => Given.SelectMany(permission => new[] { Only(permission), AllBut(permission) });

    private static string Only(string permission) => $"only-{permission}";

    private static string AllBut(string permission) => $"all-but-{permission}";

    private static string TokenOf(string caller) => $"0123456789abcdefghijk-{caller}";

    // A page sends people to where they sign in.
    private static bool IsSignIn(HttpStatusCode status) => status is HttpStatusCode.Redirect or HttpStatusCode.Found;

    private static string PolicyOf()
    {
        var text = new StringBuilder("apiVersion: access.controlplane/v1\nkind: AccessPolicy\nroles:\n");
        text.AppendLine("""  all: [{ permissions: ["*"] }]""");
        foreach (var permission in Given)
        {
            var others = string.Join(", ", Given.Where(other => other != permission));
            text.AppendLine($"  {Only(permission)}: [{{ permissions: [{permission}] }}]");
            text.AppendLine($"  {AllBut(permission)}: [{{ permissions: [{others}] }}]");
        }

        text.AppendLine("grants:");
        text.AppendLine("""  - { role: all, principals: ["all"] }""");
        foreach (var caller in Callers)
        {
            text.AppendLine($"  - {{ role: {caller}, principals: [\"{caller}\"] }}");
        }

        return text.ToString();
    }

    private static IEnumerable<(string Method, string Pattern, string Permission)> RequestsOf(RouteEndpoint route) =>
        route.Metadata.GetMetadata<RequiresAttribute>() is { } required
            ? (route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                .Select(method => (method, "/" + route.RoutePattern.RawText!.TrimStart('/'), required.Permission))
            : [];

    private async Task<HttpStatusCode> AskAsync(string method, string pattern, string? caller)
    {
        var operation = document["paths"]![Constraint().Replace(pattern, "}")]?[method.ToLowerInvariant()];
        using var request = new HttpRequestMessage(new HttpMethod(method), Parameter().Replace(pattern, "1") + QueryOf(operation));
        if (caller is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TokenOf(caller));
        }

        if (operation?["requestBody"]?["content"]?["application/json"]?["schema"] is { } schema)
        {
            request.Content = new StringContent(SampleOf(schema)!.ToJsonString(), Encoding.UTF8, "application/json");
        }

        // A watch does not end.
        using var answer = await api.Http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private static string QueryOf(JsonNode? operation)
    {
        var required = (operation?["parameters"]?.AsArray() ?? []).Where(one => one!["in"]!.GetValue<string>() == "query"
            && one["required"]?.GetValue<bool>() == true);
        return "?" + string.Join('&', required.Select(one => $"{one!["name"]!.GetValue<string>()}=x"));
    }

    // The smallest value that the document's schema allows.
    private JsonNode? SampleOf(JsonNode schema)
    {
        if (schema["$ref"] is { } reference)
        {
            return SampleOf(document["components"]!["schemas"]![reference.GetValue<string>().Split('/')[^1]]!);
        }

        if ((schema["oneOf"] ?? schema["anyOf"]) is JsonArray { Count: > 0 } options)
        {
            return SampleOf(options[^1]!);
        }

        if (schema["enum"] is JsonArray { Count: > 0 } values)
        {
            return values[0]!.DeepClone();
        }

        var type = schema["type"] is JsonArray several ? several[^1]!.GetValue<string>() : schema["type"]?.GetValue<string>();
        return type switch
        {
            "integer" or "number" => JsonValue.Create(schema["minimum"]?.GetValueKind() == JsonValueKind.Number
                ? schema["minimum"]!.GetValue<double>() : 1),
            "boolean" => JsonValue.Create(true),
            "array" => new JsonArray(),
            "string" => JsonValue.Create(schema["format"]?.GetValue<string>() == "date-time" ? "2030-01-01T00:00:00Z" : "x"),
            _ => new JsonObject((schema["required"]?.AsArray() ?? []).Select(name => KeyValuePair.Create(
                name!.GetValue<string>(), SampleOf(schema["properties"]![name.GetValue<string>()]!)))),
        };
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();

    [GeneratedRegex(@":[a-z(][^}]*\}")]
    private static partial Regex Constraint();
}
