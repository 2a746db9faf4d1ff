using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;

namespace ControlPlane.Hosting;

/// <summary>How this silo stands in its cluster. Section <c>Silo</c>.</summary>
public sealed class SiloHostOptions
{
    public const string Section = "Silo";

    /// <summary>
    /// The deployment generation: silos of one overlay work together only within one generation, and all generations share the
    /// overlay's stored state. 1 to 32 characters of a-z, 0-9 and '-'; <c>1</c> by default.
    /// </summary>
    [RegularExpression("^[a-z0-9-]{1,32}$", ErrorMessage = "Generation: must be 1 to 32 characters of a-z, 0-9 and '-'")]
    public string Generation { get; set; } = "1";

    /// <summary>
    /// The address of this machine at which the other silos reach this one, and the only one that the silo's ports listen on.
    /// <c>127.0.0.1</c> by default: a cluster of one machine.
    /// </summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The port for the other silos. 1 to 65535; 11111 by default.</summary>
    [Between(1, 65535)]
    public int Port { get; set; } = 11111;

    /// <summary>The port for Orleans clients, such as a workflow engine in the trust zone. 0 to 65535, 0 for none; 0 by default.</summary>
    [Between(0, 65535)]
    public int GatewayPort { get; set; }

    /// <summary>How long a stop may take to hand the silo's grains over. 10 seconds to 10 minutes; 90 seconds by default.</summary>
    [Between("00:00:10", "00:10:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(90);
}

[OptionsValidator]
internal sealed partial class SiloHostOptionsRanges : IValidateOptions<SiloHostOptions>;

internal sealed class SiloHostOptionsValidator : IValidateOptions<SiloHostOptions>
{
    public ValidateOptionsResult Validate(string? name, SiloHostOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.AddResult(new SiloHostOptionsRanges().Validate(name, options));

        if (!IPAddress.TryParse(options.Address, out var address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            faults.AddError(
                $"must be one address of this machine that the other silos can reach, is '{options.Address}'", nameof(options.Address));
        }

        if (options.GatewayPort == options.Port)
        {
            faults.AddError("must differ from Port", nameof(options.GatewayPort));
        }

        return faults.Build();
    }
}
