using System.ComponentModel.DataAnnotations;

namespace ControlPlane.Adapters.Command;

/// <summary>An issuer that is a program: Choria Provisioner's helper contract for issuing. Section <c>Command:{issuer name}</c>.</summary>
/// <remarks>
/// The program reads one JSON object (<c>identity</c>, <c>csr.csr</c>, <c>csr.public_key</c>) and writes one (<c>certificate</c>,
/// <c>ca</c>, or <c>defer</c> with <c>msg</c>). What it says of a failure (<c>msg</c>, standard error) is shown without what may be a
/// secret. What else a provisioning helper writes is ignored: the control plane decides it.
/// </remarks>
public sealed class CommandOptions
{
    public const string Section = "Command";

    /// <summary>The program, as a path. Required. It inherits the silo's user and environment.</summary>
    [Required]
    public string Program { get; set; } = "";

    /// <summary>Its arguments. None by default.</summary>
    public List<string> Arguments { get; set; } = [];

    /// <summary>
    /// How long it may take for one order before it is killed with all that it started. 1 second to 1 minute; 10 seconds by default,
    /// Choria's own.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan TimeLimit { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many copies are kept running, each given one order a line and answering one line. 0 to 64; 0, the default, starts the program
    /// anew for each order as Choria does.
    /// </summary>
    [Range(0, 64)]
    public int PersistentWorkers { get; set; }

    /// <summary>How many copies run at once when none is kept. 1 to 256; 16 by default.</summary>
    [Range(1, 256)]
    public int ProgramsMax { get; set; } = 16;

    /// <summary>How long an order is deferred when the program says so. 1 second to 1 hour; 30 seconds by default.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ConvertValueInInvariantCulture = true, ParseLimitsInInvariantCulture = true)]
    public TimeSpan DeferFor { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>PEM file of the CA's chain, issuing CA first. By default what the program last answered as <c>ca</c>.</summary>
    public string? ChainPath { get; set; }
}
