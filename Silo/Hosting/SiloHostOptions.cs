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
    /// <c>127.0.0.1</c> by default: a cluster of one machine. One that is not loopback needs <see cref="Tls"/>.
    /// </summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The port for the other silos. 1 to 65535; 11111 by default.</summary>
    [Between(1, 65535)]
    public int Port { get; set; } = 11111;

    /// <summary>The port for Orleans clients, such as a workflow engine in the trust zone. 0 to 65535, 0 for none; 0 by default.</summary>
    [Between(0, 65535)]
    public int GatewayPort { get; set; }

    /// <summary>
    /// Mutual TLS on both ports. None by default: the ports are for this machine's processes that know <see cref="SecretFile"/>.
    /// </summary>
    public SiloTlsOptions? Tls { get; set; }

    /// <summary>
    /// Without <see cref="Tls"/>: the file of the secret that this machine's silos and Orleans clients prove to one another, mode 0600,
    /// made at the first start. By default one for each site in the state folder of the service (<c>$STATE_DIRECTORY</c>), or of the user
    /// (<c>~/.local/state/controlplane</c>).
    /// </summary>
    public string SecretFile { get; set; } = "";

    /// <summary>How long a stop may take to hand the silo's grains over. 10 seconds to 10 minutes; 90 seconds by default.</summary>
    [Between("00:00:10", "00:10:00")]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(90);
}

/// <summary>Certificates for the silo's ports. All three files are needed, and read again when they change.</summary>
public sealed class SiloTlsOptions
{
    /// <summary>
    /// This silo's certificate, its intermediates below it, PEM: for serverAuth and clientAuth, with the URI
    /// <c>controlplane://{site}/silo</c> among its subject alternative names.
    /// </summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>The key of <see cref="CertificateFile"/>, PEM.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>The CAs to which certificates of the other silos and of clients must lead, PEM.</summary>
    public string CaFile { get; set; } = "";
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

        else if (!IPAddress.IsLoopback(address) && options.Tls is null)
        {
            faults.AddError(
                $"is '{options.Address}', which other machines reach, and needs Silo:Tls: without certificates the ports are for loopback",
                nameof(options.Address));
        }

        if (options.GatewayPort == options.Port)
        {
            faults.AddError("must differ from Port", nameof(options.GatewayPort));
        }

        return faults.Build();
    }
}
