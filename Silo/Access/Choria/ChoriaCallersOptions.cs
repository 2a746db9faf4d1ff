using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>
/// Callers who show a Choria client token and sign each request with its key. Section <c>Access:Choria</c>. Whose tokens are believed is
/// said by <c>Provisioning:Issuers</c>.
/// </summary>
public sealed class ChoriaCallersOptions
{
    public const string Section = "Access:Choria";

    /// <summary>Whether they are let in. False by default.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// How far the time in a signature may be from ours; each signature is taken once within it. 5 seconds to 5 minutes; 1 minute by
    /// default.
    /// </summary>
    [Between("00:00:05", "00:05:00")]
    public TimeSpan SignatureAge { get; set; } = TimeSpan.FromMinutes(1);
}

[OptionsValidator]
internal sealed partial class ChoriaCallersOptionsRanges : IValidateOptions<ChoriaCallersOptions>;

internal sealed class ChoriaCallersOptionsValidator(IConfiguration configuration) : IValidateOptions<ChoriaCallersOptions>
{
    public ValidateOptionsResult Validate(string? name, ChoriaCallersOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new ChoriaCallersOptionsRanges().Validate(name, options));
        faults.Require(
            !options.Enabled
                || configuration.GetSection($"{ProvisioningOptions.Section}:{nameof(ProvisioningOptions.Issuers)}").GetChildren().Any(),
            nameof(options.Enabled),
            "needs Provisioning:Issuers: whose tokens are believed");
        return faults.Build();
    }
}
