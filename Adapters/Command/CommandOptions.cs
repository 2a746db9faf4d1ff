namespace ControlPlane.Adapters.Command;

/// <summary>An issuer that is a program: Choria Provisioner's helper contract for issuing. Section <c>Command:{issuer name}</c>.</summary>
/// <remarks>
/// The program reads one JSON object (<c>identity</c>, <c>csr.csr</c>, <c>csr.public_key</c>) and writes one (<c>certificate</c>,
/// <c>ca</c>, or <c>defer</c> with <c>msg</c>). What it says of a failure (<c>msg</c>, standard error) is shown without what may be a
/// secret. What else a provisioning helper writes is ignored: the control plane decides it.
/// </remarks>
public sealed class CommandOptions : ProgramOptions
{
    public const string Section = "Command";

    /// <summary>PEM file of the CA's chain, issuing CA first. By default what the program last answered as <c>ca</c>.</summary>
    public string? ChainPath { get; set; }
}
