using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace ControlPlane.Enrolment;

/// <summary>How many enrolments are let in, in what order, and when the brake stops them. Section <c>Admission</c>.</summary>
public sealed class AdmissionOptions
{
    public const string Section = "Admission";

    /// <summary>
    /// The fewest enrolments that a silo runs at once, however badly the CA, the brokers or Redis fare. 1 to 1024, and never more than
    /// <c>Provisioning:EnrolmentsMax</c>; 8 by default.
    /// </summary>
    [Between(1, 1024)]
    public int EnrolmentsMin { get; set; } = 8;

    /// <summary>
    /// The mean time of a step at the CA, the brokers or the store above which fewer enrolments run. 100 ms to 1 minute; 2 seconds by
    /// default.
    /// </summary>
    [Between("00:00:00.1", "00:01:00")]
    public TimeSpan StepLatencyMax { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The claim of the provisioning token whose values share the places equally, objects separated by dots, e.g.
    /// <c>extensions.customer</c>. <c>ou</c>, the organisation, by default.
    /// </summary>
    [Required, StringLength(100)]
    public string FairnessClaim { get; set; } = "ou";

    /// <summary>
    /// The brake stops nodes from enrolling again by themselves when more than this part of an overlay fell out of it within
    /// <see cref="BrakeWindow"/>. 0.05 to 1; 1 is never. 0.55 by default.
    /// </summary>
    [Between(0.05, 1)]
    public double BrakeShare { get; set; } = 0.55;

    /// <summary>See <see cref="BrakeShare"/>. 10 seconds to 1 hour; 5 minutes by default.</summary>
    [Between("00:00:10", "01:00:00")]
    public TimeSpan BrakeWindow { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Fewer fallen nodes than this never stop anything: a small overlay is enrolled again within seconds. 1 to 20 000; 50 by default.
    /// </summary>
    [Between(1, 20_000)]
    public int BrakeNodesMin { get; set; } = 50;

    /// <summary>The highest <see cref="BrakeMissingMin"/>.</summary>
    public const int BrakeMissingMost = 1000;

    /// <summary>
    /// The brake stops everybody who would be configured for an overlay when so many more nodes were configured for it and did not arrive
    /// than have arrived since. 1 to 1000; 8 by default.
    /// </summary>
    [Range(1, BrakeMissingMost)]
    public int BrakeMissingMin { get; set; } = 8;

    /// <summary>
    /// How many nodes of an overlay one silo configures before it has heard the first of them arrive. 1 to 20 000; 16 by default.
    /// </summary>
    [Range(1, 20_000)]
    public int ArrivalsAwaitedMin { get; set; } = 16;

    /// <summary>
    /// The most nodes of an overlay that one silo has on their way at once while all arrive: its enrolments in a second, times the seconds
    /// that nodes take to arrive. At least <see cref="ArrivalsAwaitedMin"/>, at most 20 000; 4096 by default.
    /// </summary>
    [Range(1, 20_000)]
    public int ArrivalsAwaitedMax { get; set; } = 4096;
}

[OptionsValidator]
internal sealed partial class AdmissionOptionsValidator : IValidateOptions<AdmissionOptions>;

/// <summary>The rule between two of the settings.</summary>
internal sealed class ArrivalsAwaitedCheck : IValidateOptions<AdmissionOptions>
{
    public ValidateOptionsResult Validate(string? name, AdmissionOptions options) =>
        options.ArrivalsAwaitedMax >= options.ArrivalsAwaitedMin
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(
                $"{nameof(options.ArrivalsAwaitedMax)}: must be at least {nameof(options.ArrivalsAwaitedMin)}, which is "
                    + $"{options.ArrivalsAwaitedMin}, is {options.ArrivalsAwaitedMax}");
}
