using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>The fleet's shared provisioning secret, read once at start.</summary>
internal sealed class SharedSecret(IOptions<FleetOptions> options)
{
    public string Value { get; } = SecretFile.Read(options.Value.SharedSecretFile);

    /// <summary>So that no log, and no exception's text, can give it away by accident.</summary>
    public override string ToString() => "***";
}
