using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>What decides log-ins, out of what is configured: whom nodes and provisioning believe, brokers do too.</summary>
internal static class LogInSettings
{
    private const int NoPasswordCharacters = 64;

    /// <summary>One for each signer of provisioning tokens of V1; one when there is none.</summary>
    public static IReadOnlyList<BrokerSettings> Of(AccessBrokersOptions access, FleetOptions fleet, ProvisioningOptions provisioning)
    {
        var settings = new BrokerSettings
        {
            Issuers = provisioning.Issuers.ToDictionary(issuer => issuer.Key, issuer => IssuerKey.FromEd25519Hex(issuer.Value)),
            VerifiesCertificates = true,

            // To Choria's decision no password means no unprovisioned nodes either. This one nobody knows.
            ProvisionerPassword =
                SecretFile.ReadOrNull(access.ProvisionerPasswordFile) ?? RandomNumberGenerator.GetHexString(NoPasswordCharacters),
            SystemUser = access.SystemUser,
            SystemPassword = SecretFile.ReadOrNull(access.SystemPasswordFile),
        };
        return fleet.ProvisioningTokenSignerFiles is { Count: > 0 } files
            ? [.. files.Select(file => settings with { ProvisioningSigner = IssuerKey.FromRsaPem(File.ReadAllText(file)) })]
            : [settings];
    }
}
