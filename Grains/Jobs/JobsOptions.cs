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

    /// <summary>
    /// How long it is tried to tell somebody of a job's event; it is given up then. 1 second to 7 days; 1 hour by default. A job that has
    /// ended counts as unfinished until then.
    /// </summary>
    [Between("00:00:01", "7.00:00:00")]
    public TimeSpan NotifyPatience { get; set; } = TimeSpan.FromHours(1);

    /// <summary>After how long a gate's web hook that says wait is asked again. 1 second to 1 day; 30 seconds by default.</summary>
    [Between("00:00:01", "1.00:00:00")]
    public TimeSpan GateWait { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Web hooks that jobs may name, by names of 1 to 63 characters of a-z, 0-9 and '-': whom they tell of their events, and whom their
    /// gates ask.
    /// </summary>
    public Dictionary<string, JobWebHookOptions> WebHooks { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Whether an action is one of <see cref="ApproveActions"/>.</summary>
    public bool MustApprove(JobAction action) =>
        ApproveActions.Any(listed => listed == $"{action.Agent}#{action.Name}" || listed == $"{action.Agent}#*");
}

/// <summary>A web hook. What it is sent is signed as the Standard Webhooks specification says.</summary>
public sealed class JobWebHookOptions
{
    /// <summary>Where it listens: <c>https://…</c>, or <c>http://</c> on the loopback. Redirects are not followed. Required.</summary>
    public string? Url { get; set; }

    /// <summary>
    /// Path of the file with the secret that messages are signed by: <c>whsec_</c> and 24 to 64 bytes in base64. With a second line, each
    /// message is signed by both, so that the receiver can change from one to the other. Read for each message. Required.
    /// </summary>
    public string? SecretFile { get; set; }
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

        foreach (var (hook, settings) in options.WebHooks)
        {
            var path = $"{nameof(options.WebHooks)}:{hook}";
            faults.Require(JobId.IsValid(hook), path, $"its name must be {JobId.Rule}");
            faults.RequireSafeUrl(settings.Url, $"{path}:{nameof(settings.Url)}");
            faults.RequireFile(settings.SecretFile, $"{path}:{nameof(settings.SecretFile)}", needed: true);
        }

        return faults.Build();
    }

    [GeneratedRegex(@"^[\w-]+#([\w-]+|\*)$")]
    private static partial Regex Action();
}
