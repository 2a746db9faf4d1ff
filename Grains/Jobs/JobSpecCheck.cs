using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>What is wrong with a specification, all at once. Pure: what nodes and agents there are is not asked here.</summary>
internal static class JobSpecCheck
{
    private const int StagesMax = 20;
    private const int ThresholdsMax = 20;
    private const int AfterMax = 20;
    private const int NotifiedHooksMax = 10;
    private const int RetriesMax = TargetTable.AttemptsMax - 1;
    private const int ReasonCharactersMax = 200;
    private const int IdentitiesMax = 100_000;
    private const int ConcurrencyMax = 100_000;

    private static readonly TargetState[] Bad =
        [TargetState.Failed, TargetState.Rejected, TargetState.TimedOut, TargetState.Unknown];

    public static IReadOnlyList<string> Faults(JobSpec spec) =>
    [
        .. OfTargets(spec.Targets),
        .. OfStages(spec.Stages),
        .. spec.Thresholds.SelectMany((threshold, number) => OfThreshold(threshold, $"thresholds[{number}]")),
        .. OfTimes(spec),
        .. OfRetry(spec),
        .. OfTheRest(spec),
    ];

    /// <summary>The web hooks that it names and that the settings do not have.</summary>
    public static IEnumerable<string> UnknownWebHooks(JobSpec spec, IReadOnlyCollection<string> known)
    {
        IReadOnlyList<string> notified = spec.Notify?.WebHooks ?? [];
        var named = notified.Distinct(StringComparer.Ordinal).Select(hook => (At: "notify.webHooks", Hook: hook))
            .Concat(spec.Stages.Index().Select(stage => (At: $"stages[{stage.Index}].webHook", Hook: stage.Item.GateWebHook!)));
        var there = known.Count == 0 ? "none" : string.Join(", ", known.Order(StringComparer.Ordinal));
        return named.Where(one => one.Hook is not null && !known.Contains(one.Hook, StringComparer.Ordinal))
            .Select(one => $"{one.At}: there is no web hook '{one.Hook}'; Jobs:WebHooks has {there}");
    }

    private static IEnumerable<string> OfTargets(JobTargets targets)
    {
        var given = (targets.Query is null ? 0 : 1) + (targets.Identities.Count > 0 ? 1 : 0)
            + (targets.OfJob is null ? 0 : 1) + (targets.Broadcast is null ? 0 : 1) + (targets.Plan is null ? 0 : 1);
        if (given != 1)
        {
            yield return "targets must name nodes in one way: a query, identities, an earlier job or a broadcast";
        }

        if (targets.Identities.Count > IdentitiesMax)
        {
            yield return $"targets.identities are {targets.Identities.Count}, more than {IdentitiesMax}: use a query";
        }

        foreach (var wrong in targets.Identities.Concat(targets.Exclude).Where(identity => !NodeIdentity.IsValid(identity)).Take(3))
        {
            yield return $"targets: '{wrong}' is not the identity of a node: {NodeIdentity.Rule}";
        }

        if (targets.OfJob is { } earlier && !JobId.IsValid(earlier.Job))
        {
            yield return $"targets.ofJob.job must be the id of a job: {JobId.Rule}";
        }

        if (targets.Max is < 1)
        {
            yield return "targets.max must be 1 or more";
        }
    }

    private static IEnumerable<string> OfStages(IReadOnlyList<JobStage> stages)
    {
        if (stages.Count is 0 or > StagesMax)
        {
            yield return $"stages must be 1 to {StagesMax}, are {stages.Count}";
        }

        for (var number = 0; number < stages.Count; number++)
        {
            foreach (var fault in OfStage(stages[number], number == stages.Count - 1))
            {
                yield return $"stages[{number}].{fault}";
            }
        }

        foreach (var twice in stages.GroupBy(stage => stage.Name, StringComparer.Ordinal).Where(same => same.Count() > 1))
        {
            yield return $"stages: two are named '{twice.Key}'";
        }
    }

    private static IEnumerable<string> OfStage(JobStage stage, bool isLast)
    {
        if (!JobId.IsValid(stage.Name))
        {
            yield return $"name must be {JobId.Rule}";
        }

        if (StageSize.ReadOrNull(stage.Size) is not { } size)
        {
            yield return $"size must be a number of nodes such as 50, or a share such as 5%, and is '{stage.Size}'";
        }
        else if (isLast && size != StageSize.Everything)
        {
            yield return "size must be 100%: the last stage takes what is left over";
        }

        if (stage.Min < 1)
        {
            yield return "min must be 1 or more";
        }

        if (stage.Concurrency is < 1 or > ConcurrencyMax)
        {
            yield return $"concurrency must be 1 to {ConcurrencyMax}";
        }

        if (stage.ConcurrencyPerOverlay is < 1 or > ConcurrencyMax)
        {
            yield return $"concurrencyPerOverlay must be 1 to {ConcurrencyMax}";
        }

        if (stage.RatePerMinute is < 1)
        {
            yield return "ratePerMinute must be 1 or more";
        }

        if (stage.Bake < TimeSpan.Zero)
        {
            yield return "bake must not be negative";
        }

        if (stage.Gate == JobGate.WebHook != stage.GateWebHook is not null)
        {
            yield return "webHook must name the web hook that is asked where gate is webHook, and be left out where it is not";
        }
    }

    private static IEnumerable<string> OfThreshold(JobThreshold threshold, string at)
    {
        if ((threshold.Count is null) == (threshold.Percent is null))
        {
            yield return $"{at} must have a count or a percent";
        }

        if (threshold.Count is < 1)
        {
            yield return $"{at}.count must be 1 or more";
        }

        if (threshold.Percent is <= 0 or > 100 or double.NaN)
        {
            yield return $"{at}.percent must be above 0 and at most 100";
        }

        if (threshold.MinSample < 1)
        {
            yield return $"{at}.minSample must be 1 or more";
        }

        if (threshold.States.Count == 0 || threshold.States.Any(state => !Bad.Contains(state)))
        {
            yield return $"{at}.states must be some of failed, rejected, timedOut and unknown";
        }

        if (threshold.Then == ThresholdAction.PauseOverlay && threshold.Scope != ThresholdScope.Overlay)
        {
            yield return $"{at}.then can be pauseOverlay only for the scope overlay";
        }
    }

    private static IEnumerable<string> OfTimes(JobSpec spec)
    {
        var times = spec.Timeouts;
        if (times.Delivery < TimeSpan.FromSeconds(1) || times.Delivery > TimeSpan.FromHours(1))
        {
            yield return "timeouts.delivery must be between 1 second and 1 hour";
        }

        if (times.Execution < TimeSpan.FromSeconds(1) || times.Execution > TimeSpan.FromDays(7))
        {
            yield return "timeouts.execution must be between 1 second and 7 days";
        }

        if (times.Job < TimeSpan.FromMinutes(1) || times.Job > TimeSpan.FromDays(30))
        {
            yield return "timeouts.job must be between 1 minute and 30 days";
        }

        if (times.Stage <= TimeSpan.Zero || times.UnknownGrace < TimeSpan.Zero)
        {
            yield return "timeouts.stage must be above zero, and timeouts.unknownGrace not below it";
        }

        if (spec.Window is { } window)
        {
            if (window.From == window.To)
            {
                yield return "window.from and window.to must differ: leave the window out for any time";
            }

            if (window.Zone is { } zone && !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
            {
                yield return $"window.zone '{zone}' is not a time zone that this machine knows, e.g. Europe/Dublin";
            }
        }
    }

    private static IEnumerable<string> OfRetry(JobSpec spec)
    {
        if (spec.Retry.Max is < 0 or > RetriesMax)
        {
            yield return $"retry.max must be 0 to {RetriesMax}";
        }

        if (spec.Retry.On.Any(state => !Bad.Contains(state)))
        {
            yield return "retry.on must be some of failed, rejected, timedOut and unknown";
        }

        if (!spec.Action.IsRepeatable && spec.Retry.On.Any(state => state is TargetState.TimedOut or TargetState.Unknown))
        {
            yield return "retry.on can have timedOut and unknown only where action.isRepeatable is true: the node may have done it";
        }

        if (spec.Retry.Backoff < TimeSpan.Zero || spec.Retry.BackoffMax < spec.Retry.Backoff)
        {
            yield return "retry.backoff must not be negative, and retry.backoffMax not below it";
        }
    }

    private static IEnumerable<string> OfTheRest(JobSpec spec)
    {
        if (string.IsNullOrWhiteSpace(spec.Action.Agent) || string.IsNullOrWhiteSpace(spec.Action.Name))
        {
            yield return "action must name an agent and one of its actions";
        }

        if (spec.Reason.Length > ReasonCharactersMax)
        {
            yield return $"reason has {spec.Reason.Length} characters, more than {ReasonCharactersMax}";
        }

        if (spec.After.Count > AfterMax || spec.After.Any(id => !JobId.IsValid(id)))
        {
            yield return $"after must be at most {AfterMax} ids of jobs: {JobId.Rule}";
        }

        if (spec.Notify is { WebHooks: var hooks }
            && (hooks.Count > NotifiedHooksMax || hooks.Distinct(StringComparer.Ordinal).Count() < hooks.Count))
        {
            yield return $"notify.webHooks must be at most {NotifiedHooksMax} names, each once";
        }

        if (spec.Thresholds.Count > ThresholdsMax)
        {
            yield return $"thresholds are {spec.Thresholds.Count}, more than {ThresholdsMax}";
        }
    }
}
