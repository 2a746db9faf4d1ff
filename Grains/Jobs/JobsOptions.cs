using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Jobs;

/// <summary>How jobs are run. Section <c>Jobs</c>.</summary>
public sealed class JobsOptions
{
    public const string Section = "Jobs";

    /// <summary>A job of more nodes does not begin. 1 to 1 000 000; 100 000 by default.</summary>
    [Between(1, 1_000_000)]
    public int TargetsMax { get; set; } = 100_000;

    /// <summary>A job of more nodes must be approved by somebody else than its submitter. 0 or more; never by default.</summary>
    [Between(0, int.MaxValue)]
    public int? ApproveAbove { get; set; }

    /// <summary>
    /// Actions that must be approved whatever the number of nodes, as <c>agent#action</c>; <c>*</c> for the action means all of the
    /// agent's. None by default.
    /// </summary>
    public List<string> ApproveActions { get; set; } = [];

    /// <summary>How many jobs of this site may be unfinished; more are refused. 1 to 100 000; 5 000 by default.</summary>
    [Between(1, 100_000)]
    public int UnfinishedMax { get; set; } = 5_000;

    /// <summary>
    /// How many requests a silo sends at once for all its jobs, which take turns. 1 to 10 000; 200 by default.
    /// </summary>
    [Between(1, 10_000)]
    public int SendsAtOnce { get; set; } = 200;

    /// <summary>Whether an action is one of <see cref="ApproveActions"/>.</summary>
    public bool MustApprove(JobAction action) =>
        ApproveActions.Any(listed => listed == $"{action.Agent}#{action.Name}" || listed == $"{action.Agent}#*");
}

[OptionsValidator]
internal sealed partial class JobsOptionsRanges : IValidateOptions<JobsOptions>;

internal sealed partial class JobsOptionsValidator : IValidateOptions<JobsOptions>
{
    public ValidateOptionsResult Validate(string? name, JobsOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new JobsOptionsRanges().Validate(name, options));
        foreach (var wrong in options.ApproveActions.Where(action => !Action().IsMatch(action)))
        {
            faults.AddError($"'{wrong}' is not of the form agent#action, or agent#*", nameof(options.ApproveActions));
        }

        return faults.Build();
    }

    [GeneratedRegex(@"^[\w-]+#([\w-]+|\*)$")]
    private static partial Regex Action();
}
