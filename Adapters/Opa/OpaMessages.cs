using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Access;
using ControlPlane.Access.Policies;

namespace ControlPlane.Adapters.Opa;

/// <summary>What Open Policy Agent is asked and answers: the input of Choria's AAA service, and our own fields beside it.</summary>
internal static class OpaMessages
{
    private const int FaultLengthMax = 200;

    // What is not known is left out: in Rego, null is something that is known.
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Write(AccessQuestion question)
    {
        var (caller, request, choria) = (question.Caller, question.Request, question.Request.Choria);
        return JsonSerializer.Serialize(
            new Body(new Input
            {
                Agent = request.Agent,
                Action = request.Action,
                Collective = request.Collective,
                Data = choria is null ? null : Parse(choria.DataJson),
                Sender = choria?.Sender,
                Ttl = choria is null ? null : (long)choria.Lifetime.TotalSeconds,
                Time = (choria?.At ?? question.At).ToUnixTimeSeconds(),
                Site = question.Site,
                Claims = caller.Claims.ToDictionary(claim => claim.Key, claim => ValueOf(claim.Value), StringComparer.Ordinal),
                Permission = request.Permission,
                Principal = caller.Principal,
                Method = JsonNamingPolicy.CamelCase.ConvertName(caller.Method.ToString()),
                Groups = caller.Groups,
                Roles = caller.Roles,
                SecondFactorTime = caller.SecondFactorAt?.ToUnixTimeSeconds(),
                Address = caller.Address,
                Overlay = question.Overlay,
                Node = request.Node,
                Targets = request.Targets,
                Reason = request.Reason,
                Submitter = request.Submitter,
                Operation = request.Operation,
                Parameters = request.Parameters,
            }),
            Json);
    }

    /// <exception cref="AccessAuthorityException">It says neither yes nor no.</exception>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static AccessVerdict Read(string text, string path)
    {
        using var answer = JsonDocument.Parse(text);
        return answer.RootElement switch
        {
            // An undefined document is no error of the agent's: its answer has no result.
            { ValueKind: JsonValueKind.Object } root when !root.TryGetProperty("result", out _) =>
                new AccessVerdict(false, $"'{path}' is undefined for this request"),
            { ValueKind: JsonValueKind.Object } root when ReadResult(root.GetProperty("result")) is { } verdict => verdict,
            _ => throw new AccessAuthorityException(
                $"'{path}' of Open Policy Agent is neither true or false nor an object with 'allow': is the path that of a rule?"),
        };
    }

    /// <summary>What the agent says is wrong; null when it is not the agent who answers.</summary>
    public static string? ReadFault(string text)
    {
        try
        {
            var fault = JsonSerializer.Deserialize<Fault>(text, Json);
            return fault?.Message is null ? null
                : fault.Message.Length <= FaultLengthMax ? $"{fault.Code}: {fault.Message}"
                : $"{fault.Code}: {fault.Message[..FaultLengthMax]}…";
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static AccessVerdict? ReadResult(JsonElement result) => result.ValueKind switch
    {
        JsonValueKind.True => new AccessVerdict(true, null),
        JsonValueKind.False => new AccessVerdict(false, null),
        JsonValueKind.Object when result.TryGetProperty("allow", out var allow)
            && allow.ValueKind is JsonValueKind.True or JsonValueKind.False => new AccessVerdict(
                allow.GetBoolean(),
                result.TryGetProperty("reason", out var reason) && reason.ValueKind == JsonValueKind.String ? reason.GetString() : null),
        _ => null,
    };

    // As a token has it: what has one value is that value.
    private static object ValueOf(IReadOnlyList<string> values) => values is [var one] ? one : values;

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    private sealed record Body([property: JsonPropertyName("input")] Input Input);

    private sealed record Fault(string? Code, string? Message);

    private sealed record Input
    {
        public string? Agent { get; init; }

        public string? Action { get; init; }

        public string? Collective { get; init; }

        public JsonElement? Data { get; init; }

        public string? Sender { get; init; }

        public long? Ttl { get; init; }

        public long Time { get; init; }

        public required string Site { get; init; }

        public required IReadOnlyDictionary<string, object> Claims { get; init; }

        public required string Permission { get; init; }

        public required string Principal { get; init; }

        public required string Method { get; init; }

        public required IReadOnlyList<string> Groups { get; init; }

        public required IReadOnlyList<string> Roles { get; init; }

        public long? SecondFactorTime { get; init; }

        public string? Address { get; init; }

        public string? Overlay { get; init; }

        public string? Node { get; init; }

        public int? Targets { get; init; }

        public string? Reason { get; init; }

        public string? Submitter { get; init; }

        public required string Operation { get; init; }

        public required IReadOnlyDictionary<string, string> Parameters { get; init; }
    }
}
