using System.Globalization;
using System.Text.Json;

namespace ControlPlane.Jobs;

/// <summary>Makes of a body the specification that it means. Pure; all faults at once, each with its place in the body.</summary>
internal sealed class JobSpecReader
{
    private readonly List<string> faults = [];

    /// <returns>The specification, or all that is wrong with the body.</returns>
    public static (JobSpec? Spec, IReadOnlyList<string> Faults) Read(JobBody body)
    {
        var reader = new JobSpecReader();
        var spec = reader.ReadSpec(body);
        return reader.faults.Count == 0 ? (spec, []) : (null, reader.faults);
    }

    private JobSpec ReadSpec(JobBody body)
    {
        var action = new JobAction(body.Agent, body.Action, Inputs("$.inputs", body.Inputs))
        {
            IsRepeatable = body.Repeatable,
            Status = body.Status is { } status
                ? new JobStatusAction(status.Agent, status.Action, Inputs("$.status.inputs", status.Inputs))
                : null,
            ExecutorId = body.ExecutorId,
        };
        return new JobSpec(action, JobTargetsReader.Read(body.Targets, faults))
        {
            Reason = body.Reason.Trim(),
            Mode = body.Mode,
            Priority = body.Priority,
            Stages = body.Stages.Count == 0 ? [JobStage.All] : [.. body.Stages.Select(Stage)],
            Thresholds = [.. body.Thresholds.Select(Threshold)],
            Timeouts = Timeouts(body.Timeouts),
            Retry = Retry(body.Retry),
            Offline = Offline(body.Offline),
            Window = Window(body.Window),
            StartAt = body.StartAt,
            After = body.After,
            RequiresApproval = body.RequiresApproval,
            Notify = body.Notify is { } notify ? new JobNotify { WebHooks = notify.WebHooks, Nats = notify.Nats } : null,
        };
    }

    private string Inputs(string path, JsonElement? inputs)
    {
        switch (inputs)
        {
            case null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined }:
                return "{}";
            case { ValueKind: JsonValueKind.Object } given:
                return JsonSerializer.Serialize(given);
            default:
                faults.Add($"{path}: must be an object of inputs by their names");
                return "{}";
        }
    }

    private JobStage Stage(JobStageBody body, int position)
    {
        var stage = new JobStage(body.Name, body.Size.Trim());
        return stage with
        {
            Min = body.Min ?? stage.Min,
            PerOverlay = body.PerOverlay,
            Concurrency = body.Concurrency ?? stage.Concurrency,
            ConcurrencyPerOverlay = body.ConcurrencyPerOverlay,
            RatePerMinute = body.RatePerMinute,
            Ramp = body.Ramp,
            Bake = Duration($"$.stages[{position}].bake", body.Bake) ?? stage.Bake,
            Gate = body.Gate,
            GateWebHook = body.WebHook,
        };
    }

    private JobThreshold Threshold(JobThresholdBody body, int position)
    {
        if (body.Count is null == body.Percent is null)
        {
            faults.Add($"$.thresholds[{position}]: needs count or percent, and not both");
        }

        var threshold = new JobThreshold(body.Scope, body.States, body.Then) { Count = body.Count, Percent = body.Percent };
        return threshold with { MinSample = body.MinSample ?? threshold.MinSample };
    }

    private JobTimeouts Timeouts(JobTimeoutsBody? body)
    {
        var timeouts = JobTimeouts.Default;
        return body is null ? timeouts : timeouts with
        {
            Delivery = Duration("$.timeouts.delivery", body.Delivery) ?? timeouts.Delivery,
            Execution = Duration("$.timeouts.execution", body.Execution) ?? timeouts.Execution,
            Stage = Duration("$.timeouts.stage", body.Stage),
            Job = Duration("$.timeouts.job", body.Job) ?? timeouts.Job,
            UnknownGrace = Duration("$.timeouts.unknownGrace", body.UnknownGrace) ?? timeouts.UnknownGrace,
        };
    }

    private JobRetry Retry(JobRetryBody? body) => body is null ? JobRetry.None : JobRetry.None with
    {
        On = body.On,
        Max = body.Max,
        Backoff = Duration("$.retry.backoff", body.Backoff) ?? JobRetry.None.Backoff,
        BackoffMax = Duration("$.retry.backoffMax", body.BackoffMax) ?? JobRetry.None.BackoffMax,
    };

    private JobOffline Offline(JobOfflineBody? body)
    {
        if (body is null)
        {
            return JobOffline.Try;
        }

        var offline = new JobOffline(body.Policy);
        return offline with { Until = Duration("$.offline.until", body.Until) ?? offline.Until };
    }

    private JobWindow? Window(JobWindowBody? body) => body is null
        ? null
        : new JobWindow(TimeOfDay("$.window.from", body.From), TimeOfDay("$.window.to", body.To)) { Days = body.Days, Zone = body.Zone };

    private TimeOnly TimeOfDay(string path, string text)
    {
        if (!TimeOnly.TryParseExact(text, ["HH:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            faults.Add($"{path}: '{text}' is not a time of day such as 22:00");
        }

        return time;
    }

    private TimeSpan? Duration(string path, string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (!Durations.TryRead(text, out var duration))
        {
            faults.Add($"{path}: '{text}' is not {Durations.Rule}");
        }

        return duration;
    }
}
