using Microsoft.Extensions.Options;

namespace ControlPlane.Fleet;

/// <summary>When a node that is silent is late, and when it is lost. Section <c>Liveness</c>.</summary>
public sealed class LivenessOptions
{
    public const string Section = "Liveness";

    /// <summary>
    /// How long a node may be silent before it is late. 5 seconds to 7 days; 40 minutes by default, since agents say every 30 minutes that
    /// they are alive. With registration every 5 minutes, 11 minutes are enough.
    /// </summary>
    [Between("00:00:05", "7.00:00:00")]
    public TimeSpan LateAfter { get; set; } = TimeSpan.FromMinutes(40);

    /// <summary>
    /// How long it may be silent before it is lost. More than <see cref="LateAfter"/>, at most 30 days; 80 minutes by default, as Choria's
    /// own tally.
    /// </summary>
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromMinutes(80);

    /// <summary>
    /// How long a lost node is remembered. At least <see cref="LostAfter"/>, at most 366 days; 30 days by default. After it, it is new.
    /// </summary>
    public TimeSpan ForgetAfter { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How often each partition keeps what it has heard, for the silo that takes it over. 1 second to 5 minutes; 30 seconds by default.
    /// </summary>
    [Between("00:00:01", "00:05:00")]
    public TimeSpan SnapshotInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Nodes that each of the 64 partitions listens for; what else is heard is counted and not followed. 100 to 1000000; 5000 by default.
    /// </summary>
    [Between(100, 1_000_000)]
    public int NodesPerPartitionMax { get; set; } = 5_000;
}

[OptionsValidator]
internal sealed partial class LivenessOptionsRanges : IValidateOptions<LivenessOptions>;

internal sealed class LivenessOptionsValidator : IValidateOptions<LivenessOptions>
{
    private static readonly TimeSpan LostAfterMax = TimeSpan.FromDays(30);
    private static readonly TimeSpan ForgetAfterMax = TimeSpan.FromDays(366);

    public ValidateOptionsResult Validate(string? name, LivenessOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new LivenessOptionsRanges().Validate(name, options));
        if (options.LostAfter <= options.LateAfter || options.LostAfter > LostAfterMax)
        {
            faults.AddError(
                $"must be more than LateAfter and at most {LostAfterMax.Days} days, is {options.LostAfter}", nameof(options.LostAfter));
        }

        if (options.ForgetAfter < options.LostAfter || options.ForgetAfter > ForgetAfterMax)
        {
            faults.AddError(
                $"must be at least LostAfter and at most {ForgetAfterMax.Days} days, is {options.ForgetAfter}",
                nameof(options.ForgetAfter));
        }

        return faults.Build();
    }
}
