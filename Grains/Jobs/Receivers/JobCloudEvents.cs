using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Jobs;

/// <summary>What is told of a job, and asked about it, as CloudEvents 1.0 in structured JSON. Pure.</summary>
internal static class JobCloudEvents
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>The kind as subjects and types have it: <c>stage-done</c>.</summary>
    public static string NameOf(JobTransitionKind kind) => JsonNamingPolicy.KebabCaseLower.ConvertName($"{kind}");

    /// <summary>The same each time that an event is told.</summary>
    public static string IdOf(string job, JobTransition happened) =>
        string.Create(CultureInfo.InvariantCulture, $"{job}/{happened.Version}");

    public static string Of(string site, string job, JobRecord record, JobTransition happened) => Write(
        site, job, record, happened, IdOf(job, happened), NameOf(happened.Kind));

    /// <summary>The same each time that a question is asked, until it is answered.</summary>
    public static string IdOf(string job, GateQuestion question) =>
        string.Create(CultureInfo.InvariantCulture, $"{job}/gate-{question.Stage}-{question.Number}");

    /// <summary>What a gate's web hook is asked.</summary>
    public static string Of(string site, string job, JobRecord record, GateQuestion question)
    {
        var counts = TargetCounts.Sum(record.Overlays.Select(share => share.Counts));
        var now = new JobTransition(default, record.Version, question.AskAt, record.State, record.Reason, question.Stage, counts);
        return Write(site, job, record, now, IdOf(job, question), "gate");
    }

    private static string Write(string site, string job, JobRecord record, JobTransition happened, string id, string name) =>
        JsonSerializer.Serialize(
            new CloudEvent(
                "1.0", id, site, $"controlplane.job.{name}.v1", job, happened.At, "application/json",
                new JobAtEvent(
                    job,
                    record.Spec!.Action.Agent,
                    record.Spec.Action.Name,
                    record.Submitter.Principal,
                    happened.State,
                    happened.Reason,
                    happened.Stage,
                    record.Spec.Stages[happened.Stage].Name,
                    record.Spec.Stages.Count,
                    happened.Version,
                    CountsOf(happened.Counts),
                    happened.Overlay)),
            Json);

    private static Dictionary<string, int> CountsOf(TargetCounts counts) => new(Enum.GetValues<TargetState>()
        .Select(state => KeyValuePair.Create(JsonNamingPolicy.CamelCase.ConvertName($"{state}"), counts[state])))
    {
        ["all"] = counts.All,
    };

    private sealed record CloudEvent(
        string Specversion,
        string Id,
        string Source,
        string Type,
        string Subject,
        DateTimeOffset Time,
        string Datacontenttype,
        JobAtEvent Data);

    // Without the action's inputs: they may hold secrets.
    private sealed record JobAtEvent(
        string Job,
        string Agent,
        string Action,
        string Submitter,
        JobState State,
        string Reason,
        int Stage,
        string StageName,
        int Stages,
        int Version,
        IReadOnlyDictionary<string, int> Counts,
        string? Overlay);
}
