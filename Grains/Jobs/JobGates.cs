using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Jobs;

/// <summary>What lets the next stage begin, when one is done and has baked. Pure.</summary>
internal static class JobGates
{
    private const int ReasonCharactersMax = 200;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>The job comes to the gate of its stage.</summary>
    public static JobRecord Reach(JobRecord job, JobStage stage, DateTimeOffset now) => stage.Gate switch
    {
        JobGate.Auto => job.BeginStage(job.Stage + 1, now),
        JobGate.WebHook => job with
        {
            State = JobState.AtGate,
            Reason = $"the web hook {stage.GateWebHook} is asked",
            Question = new GateQuestion(job.Stage, 1, now),
        },
        _ => job with { State = JobState.AtGate, Reason = "somebody must advance it" },
    };

    /// <summary>What a gate's web hook answered is followed; an answer to an earlier question changes nothing.</summary>
    public static JobRecord Follow(JobRecord job, JobStage stage, GateAnswer answer, JobFacts facts)
    {
        if (job.Question is not { } question || (answer.Stage, answer.Number) != (question.Stage, question.Number))
        {
            return job;
        }

        var next = question with { Number = question.Number + 1, AskAt = facts.Now };
        switch (answer.Decision)
        {
            case GateDecision.Proceed:
                return job.BeginStage(job.Stage + 1, facts.Now);
            case GateDecision.Stop:
                return (job with { Question = next }).Pause($"the web hook {stage.GateWebHook} says stop: {answer.Reason}");
            case GateDecision.Wait:
                return job with
                {
                    Question = next with { AskAt = facts.Now + facts.Options.GateWait },
                    Reason = $"the web hook {stage.GateWebHook} says wait: {answer.Reason}",
                };
            default:
                var reason = $"the web hook {stage.GateWebHook} gives no answer and is asked again: {answer.Reason}";
                return job.Reason == reason ? job : job with { Reason = reason };
        }
    }

    /// <summary>Reads what a web hook answered.</summary>
    public static GateAnswer Read(GateQuestion question, string text)
    {
        try
        {
            if (JsonSerializer.Deserialize<Body>(text, Json) is { Decision: { } decision } body)
            {
                return new GateAnswer(question.Stage, question.Number, decision, Shorten(body.Reason ?? "no reason given"));
            }
        }
        catch (JsonException)
        {
        }

        return None(question, "its answer is not {\"decision\": \"proceed\" | \"wait\" | \"stop\", \"reason\": \"...\"}");
    }

    public static GateAnswer None(GateQuestion question, string reason) => new(question.Stage, question.Number, null, Shorten(reason));

    private static string Shorten(string reason) =>
        string.Concat(reason.Where(character => !char.IsControl(character)).Take(ReasonCharactersMax));

    private sealed record Body(GateDecision? Decision, string? Reason);
}

/// <summary>What a gate's web hook is asked. Each question has one answer; one that waits leads to the next.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.JobGateQuestion")]
internal sealed record GateQuestion([property: Id(0)] int Stage, [property: Id(1)] int Number, [property: Id(2)] DateTimeOffset AskAt);

/// <param name="Stage">Whose gate was asked about.</param>
/// <param name="Number">Which question it answers.</param>
/// <param name="Decision">What it said; null when it gave no answer.</param>
/// <param name="Reason">Why, in its words, or why there is no answer.</param>
internal sealed record GateAnswer(int Stage, int Number, GateDecision? Decision, string Reason);

internal enum GateDecision
{
    Proceed = 1,

    /// <summary>It is asked again after a while.</summary>
    Wait = 2,

    /// <summary>The job pauses.</summary>
    Stop = 3,
}
