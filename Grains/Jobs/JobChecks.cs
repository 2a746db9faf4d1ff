using ControlPlane.Access;

namespace ControlPlane.Jobs;

/// <summary>What is wrong with a specification, by its own rules, the agents' DDLs, the overlays and the receivers there are.</summary>
internal sealed class JobChecks(JobActions actions, JobSites sites, JobReceivers receivers, IGrainFactory grains)
{
    /// <summary>Checks it.</summary>
    /// <returns>The specification with the DDL's defaults filled in, and all that is wrong with it at once.</returns>
    public async Task<(JobSpec Spec, IReadOnlyList<string> Faults)> CheckAsync(JobSpec spec, CancellationToken cancellationToken)
    {
        var (action, wrong) = await actions.CheckAsync(spec.Action, cancellationToken);
        spec = OwnAgent.Complete(spec with { Action = action });
        IReadOnlyList<string> faults =
        [
            .. JobSpecCheck.Faults(spec), .. OfPlan(spec), .. UnknownOverlays(spec), .. receivers.Unknown(spec), .. TooLong(spec),
            .. wrong,
        ];
        return (spec, faults.Count > 0 ? faults : await UnknownJobsAsync(spec));
    }

    // It would wait for ever. They are asked when all else is right: then their ids are ids.
    private async Task<IReadOnlyList<string>> UnknownJobsAsync(JobSpec spec)
    {
        var found = await Task.WhenAll(spec.After.Distinct(StringComparer.Ordinal)
            .Select(async id => (Id: id, IsThere: await grains.GetJob(id).Get() is not null)));
        return [.. found.Where(one => !one.IsThere).Select(one => $"after: there is no job '{one.Id}' at this site")];
    }

    // What moves is decided with the plan, and approved with it.
    private static IEnumerable<string> OfPlan(JobSpec spec) =>
        spec.Targets.Plan is { } plan && CallerContext.Current.Method != CallerMethod.System
            ? [$"targets.plan: a plan is carried out by approving it: controlplane plan approve {plan.Id}"]
            : [];

    private IEnumerable<string> TooLong(JobSpec spec) => sites.CanTell(spec)
        ? []
        : ["targets: the names are too many to be told to the sites of other overlays: use a query, several jobs, or targets.overlays"];

    private IEnumerable<string> UnknownOverlays(JobSpec spec) => spec.Targets.Overlays.Except(sites.Overlays)
        .Select(unknown => $"targets.overlays: there is no overlay '{unknown}'; there are {string.Join(", ", sites.Overlays.Order())}");
}
