using System.Globalization;
using System.Text.Json;
using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>Writes a specification down as a body that means the same. Pure.</summary>
internal static class JobBodies
{
    public static JobBody Of(JobSpec spec) => new(spec.Action.Agent, spec.Action.Name, TargetsOf(spec.Targets))
    {
        Inputs = Json(spec.Action.InputsJson),
        Repeatable = spec.Action.IsRepeatable,
        Status = spec.Action.Status is { } status
            ? new StatusActionBody(status.Agent, status.Name) { Inputs = Json(status.InputsJson) }
            : null,
        ExecutorId = spec.Action.ExecutorId,
        Reason = spec.Reason,
        Mode = spec.Mode,
        Priority = spec.Priority,
        Stages = [.. spec.Stages.Select(StageOf)],
        Thresholds = [.. spec.Thresholds.Select(ThresholdOf)],
        Timeouts = new JobTimeoutsBody
        {
            Delivery = Durations.Write(spec.Timeouts.Delivery),
            Execution = Durations.Write(spec.Timeouts.Execution),
            Stage = spec.Timeouts.Stage is { } stage ? Durations.Write(stage) : null,
            Job = Durations.Write(spec.Timeouts.Job),
            UnknownGrace = Durations.Write(spec.Timeouts.UnknownGrace),
        },
        Retry = new JobRetryBody
        {
            On = spec.Retry.On,
            Max = spec.Retry.Max,
            Backoff = Durations.Write(spec.Retry.Backoff),
            BackoffMax = Durations.Write(spec.Retry.BackoffMax),
        },
        Offline = new JobOfflineBody(spec.Offline.Policy) { Until = Durations.Write(spec.Offline.Until) },
        Window = spec.Window is { } window
            ? new JobWindowBody(TimeOfDay(window.From), TimeOfDay(window.To)) { Days = window.Days, Zone = window.Zone }
            : null,
        StartAt = spec.StartAt,
        After = spec.After,
        RequiresApproval = spec.RequiresApproval,
        Notify = spec.Notify is { } notify ? new JobNotifyBody { WebHooks = notify.WebHooks, Nats = notify.Nats } : null,
    };

    private static JobTargetsBody TargetsOf(JobTargets targets)
    {
        var query = targets.Query ?? targets.Broadcast;
        var isBroadcast = targets.Broadcast is not null;
        var body = new JobTargetsBody
        {
            Identities = query?.Identities ?? targets.Identities,
            OfJob = targets.OfJob is { } earlier ? new OfJobBody(earlier.Job) { States = earlier.States } : null,
            Plan = targets.Plan?.Id,
            Broadcast = isBroadcast,
            Overlays = query?.Overlay is { } overlay ? [overlay] : targets.Overlays,
            Exclude = targets.Exclude,
            Seed = targets.Seed,
            Max = targets.Max,
        };
        return query is null ? body : body with
        {
            // Identities beside it are conditions, and not the list of the nodes.
            All = query is { Filter: null, Facts.Count: 0, Classes.Count: 0, Agents.Count: 0, Stage: null, Liveness: null, Version: null },
            Filter = isBroadcast ? null : query.Filter,
            Compound = isBroadcast ? query.Filter : null,
            Facts = query.Facts,
            Classes = query.Classes,
            Agents = query.Agents,
            State = query.Stage,
            Liveness = query.Liveness,
            Version = query.Version,
        };
    }

    private static JobStageBody StageOf(JobStage stage) => new(stage.Name)
    {
        Size = stage.Size,
        Min = stage.Min,
        PerOverlay = stage.PerOverlay,
        Concurrency = stage.Concurrency,
        ConcurrencyPerOverlay = stage.ConcurrencyPerOverlay,
        RatePerMinute = stage.RatePerMinute,
        Ramp = stage.Ramp,
        Bake = Durations.Write(stage.Bake),
        Gate = stage.Gate,
        WebHook = stage.GateWebHook,
    };

    private static JobThresholdBody ThresholdOf(JobThreshold threshold) => new(threshold.Scope, threshold.States, threshold.Then)
    {
        Count = threshold.Count,
        Percent = threshold.Percent,
        MinSample = threshold.MinSample,
    };

    private static string TimeOfDay(TimeOnly time) => time.ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
