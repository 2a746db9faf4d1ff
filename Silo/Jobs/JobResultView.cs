using System.Text.Json;
using ControlPlane.Filters;

namespace ControlPlane.Jobs;

/// <summary>What came of one attempt at one target, as the API gives it.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Overlay">Where it lives.</param>
/// <param name="Attempt">Which attempt, from 1.</param>
/// <param name="State">How the target stood then.</param>
/// <param name="Code">Choria's status of the reply; null when there was no reply.</param>
/// <param name="Message">The reply's words, or why there is none.</param>
/// <param name="Data">The reply's data; null when there was none, or it was too large to keep.</param>
/// <param name="At">When.</param>
/// <param name="IsLate">It came after the target had been given up.</param>
internal sealed record JobResultView(
    string Identity,
    string Overlay,
    int Attempt,
    TargetState State,
    int? Code,
    string Message,
    JsonElement? Data,
    DateTimeOffset At,
    bool IsLate)
{
    public static JobResultView Of(JobResult result) => new(
        result.Identity,
        result.Overlay,
        result.Attempt,
        result.State,
        result.StatusCode,
        result.Message,
        DataOf(result.DataJson),
        result.At,
        result.IsLate);

    /// <summary>Whether a reply expression holds for it.</summary>
    public bool Fulfils(ReplyExpression reply) => reply.Holds(new ReplyFields(Identity, Code, Message, Data ?? default));

    // What a node sent in place of JSON is shown as the text that it is.
    private static JsonElement? DataOf(string? json)
    {
        if (string.IsNullOrEmpty(json))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(json);
        }
    }
}

/// <param name="Results">In the order in which they came, of one overlay after the other.</param>
/// <param name="Next">What to ask for the next page with; null when there is none now.</param>
/// <param name="Unreachable">Overlays that do not answer now: this page is without theirs, and so are those that follow from it.</param>
internal sealed record JobResultsPage(IReadOnlyList<JobResultView> Results, string? Next, IReadOnlyList<string> Unreachable);
