using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ControlPlane.TestKit;

/// <summary>
/// A fake of Open Policy Agent's data API, not the agent: written from its documented contract, because none can be had here. Its rule is a
/// function instead of Rego. It refuses what the real one refuses (other methods, bodies that are no JSON object, a missing token) in its
/// words, and answers 200 without a result for what is undefined.
/// </summary>
public sealed class FakeOpa : IAsyncDisposable
{
    private const string Data = "/v1/data/";

    private readonly WebApplication _application;
    private readonly string _path;
    private readonly Func<JsonElement, JsonNode?> _rule;

    private FakeOpa(string path, Func<JsonElement, JsonNode?> rule)
    {
        (_path, _rule) = (path, rule);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.Run(ServeAsync);
    }

    /// <summary>Where it listens; after the start.</summary>
    public string Url => _application.Urls.First();

    /// <summary>The bearer token that it demands; null for none.</summary>
    public string? Token { get; set; }

    /// <summary>Whether evaluating fails, as Rego does on a conflict.</summary>
    public bool IsInConflict { get; set; }

    /// <summary>The last input; null before the first.</summary>
    public JsonElement? Input { get; private set; }

    /// <param name="path">The rule's path below <c>/v1/data</c>.</param>
    /// <param name="rule">Its value for an input; null where it is undefined.</param>
    public static async Task<FakeOpa> StartAsync(string path, Func<JsonElement, JsonNode?> rule)
    {
        var opa = new FakeOpa(path, rule);
        await opa._application.StartAsync();
        return opa;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        context.Response.Headers["X-Fake"] = "FakeOpa, not Open Policy Agent";
        var (status, answer) = await AnswerAsync(context.Request);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString());
    }

    private async Task<(int Status, JsonObject Answer)> AnswerAsync(HttpRequest request)
    {
        if (Token is not null && request.Headers.Authorization != $"Bearer {Token}")
        {
            return (StatusCodes.Status401Unauthorized, Fault("unauthorized", "request rejected by administrative policy"));
        }

        if (!HttpMethods.IsPost(request.Method) || request.Path.Value?.StartsWith(Data, StringComparison.Ordinal) != true)
        {
            return (StatusCodes.Status405MethodNotAllowed, Fault("resource_conflict", "method not allowed"));
        }

        JsonElement body;
        try
        {
            body = (await JsonDocument.ParseAsync(request.Body)).RootElement;
        }
        catch (JsonException malformed)
        {
            return (
                StatusCodes.Status400BadRequest,
                Fault("invalid_parameter", $"body contains malformed input document: {malformed.Message}"));
        }

        if (body.ValueKind != JsonValueKind.Object)
        {
            return (StatusCodes.Status400BadRequest, Fault("invalid_parameter", "body contains malformed input document: not an object"));
        }

        return body.TryGetProperty("input", out var input)
            ? Evaluate(request.Path.Value[Data.Length..], input)
            : (
                StatusCodes.Status200OK,
                new JsonObject { ["warning"] = Fault("api_usage_warning", "'input' key missing from the request") });
    }

    private (int Status, JsonObject Answer) Evaluate(string path, JsonElement input)
    {
        Input = input;
        if (IsInConflict)
        {
            return (StatusCodes.Status500InternalServerError, Fault("internal_error", "error(s) occurred while evaluating query"));
        }

        // The rule itself, or the package that it stands in; everything else is undefined, which is no error.
        var value = _rule(input);
        var result = path == _path ? value : _path.StartsWith(path + "/", StringComparison.Ordinal) ? Packaged(path, value) : null;
        return (StatusCodes.Status200OK, result is null ? [] : new JsonObject { ["result"] = result });
    }

    private JsonObject Packaged(string path, JsonNode? value)
    {
        var names = _path[(path.Length + 1)..].Split('/');
        var inner = value is null ? [] : new JsonObject { [names[^1]] = value };
        return names[..^1].Reverse().Aggregate(inner, (content, name) => new JsonObject { [name] = content });
    }

    private static JsonObject Fault(string code, string message) => new() { ["code"] = code, ["message"] = message };
}
