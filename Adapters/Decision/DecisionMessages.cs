using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Placement;

namespace ControlPlane.Adapters.Decision;

/// <summary>What is asked and answered: the fields of Choria Provisioner's helper, and our own beside them.</summary>
internal static class DecisionMessages
{
    /// <summary>No answer is longer.</summary>
    public const int AnswerLengthMax = 64 * 1024;

    private const string Brokers = "plugin.choria.middleware_hosts";

    // As Go writes it, for scripts that look at the text: a plus sign stays a plus sign.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(ExternalQuestion question) => JsonSerializer.Serialize(
        new Question(
            question.Identity,
            SigningRequest: null,
            Ed25519PublicKey: null,
            Inventory: $$"""{"facts":{{question.FactsJson}}}""",
            Token: Parse(question.ClaimsJson),
            new Placement(question.Region, Parse(question.EnrolmentJson), question.Proposed, question.Candidates)),
        Plain);

    /// <exception cref="ExternalDecisionException">It cannot be read, or names no overlay that may take the node.</exception>
    public static ExternalAnswer Read(string text, ExternalQuestion question)
    {
        Answer answer;
        try
        {
            answer = JsonSerializer.Deserialize<Answer>(text, Plain) ?? throw new ExternalDecisionException("the answer is empty");
        }
        catch (JsonException unreadable)
        {
            throw new ExternalDecisionException("the answer is not the JSON object that it should be", unreadable);
        }

        if (answer.Defer)
        {
            return new ExternalAnswer.Defer(answer.Message ?? "no reason given");
        }

        if (answer.Shutdown)
        {
            throw new ExternalDecisionException($"it wants the provisioner to shut down: {answer.Message}");
        }

        var why = answer.Reason ?? answer.Message ?? "no reason given";
        return answer.Overlay is { Length: > 0 } overlay ? new ExternalAnswer.Choose(overlay, why)
            : answer.Configuration?.GetValueOrDefault(Brokers) is { Length: > 0 } hosts
                ? new ExternalAnswer.Choose(OverlayOf(hosts, question), why)
                : new ExternalAnswer.Abstain();
    }

    // An unmodified helper of Choria's writes the node's configuration: the brokers in it say which overlay it means.
    private static string OverlayOf(string hosts, ExternalQuestion question)
    {
        var wanted = hosts.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Address).ToArray();
        return question.Candidates.FirstOrDefault(candidate =>
                candidate.Brokers.Select(Address).ToHashSet(StringComparer.OrdinalIgnoreCase).IsSupersetOf(wanted))?.Overlay
            ?? throw new ExternalDecisionException($"no overlay that may take the node has the brokers '{hosts}'");
    }

    private static string Address(string broker) =>
        Uri.TryCreate(broker.Contains("://", StringComparison.Ordinal) ? broker : $"nats://{broker}", UriKind.Absolute, out var url)
            ? $"{url.Host}:{(url.Port > 0 ? url.Port : 4222)}" : broker;

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    private sealed record Question(
        [property: JsonPropertyName("identity")] string Identity,
        [property: JsonPropertyName("csr")] object? SigningRequest,
        [property: JsonPropertyName("ed25519_pubkey")] object? Ed25519PublicKey,
        [property: JsonPropertyName("inventory")] string Inventory,
        [property: JsonPropertyName("jwt")] JsonElement Token,
        [property: JsonPropertyName("placement")] Placement Placement);

    private sealed record Placement(
        [property: JsonPropertyName("region")] string Region,
        [property: JsonPropertyName("enrolment")] JsonElement Enrolment,
        [property: JsonPropertyName("proposed")] string Proposed,
        [property: JsonPropertyName("candidates")] IReadOnlyList<ExternalCandidate> Candidates);

    private sealed record Answer(
        [property: JsonPropertyName("defer")] bool Defer,
        [property: JsonPropertyName("shutdown")] bool Shutdown,
        [property: JsonPropertyName("msg")] string? Message,
        [property: JsonPropertyName("overlay")] string? Overlay,
        [property: JsonPropertyName("reason")] string? Reason,
        [property: JsonPropertyName("configuration")] Dictionary<string, string>? Configuration);
}
