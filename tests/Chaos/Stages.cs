using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Chaos;

/// <summary>Stages and fleets that fit each other: the silo believes the nodes' tokens, and the brokers let them in.</summary>
public static class Stages
{
    private static readonly TimeSpan CallerTokenLifetime = TimeSpan.FromDays(30);

    public static Task<EnrolmentStage> StartAsync(EnrolmentStageOptions options, CancellationToken cancellationToken) =>
        EnrolmentStage.StartAsync(options, MakeTokens, cancellationToken);

    /// <summary>A fleet on the brokers of a stage, to be completed with what is special about it.</summary>
    public static SimulatedFleetOptions FleetOn(StageBrokers brokers, StageSecrets secrets)
    {
        ArgumentNullException.ThrowIfNull(brokers);
        ArgumentNullException.ThrowIfNull(secrets);
        return new SimulatedFleetOptions
        {
            Brokers = brokers.Provisioning.Url,
            Secret = File.ReadAllText(secrets.SharedSecretFile),
            IssuerSeed = File.ReadAllText(secrets.IssuerSeedFile),
            SignerKeyPem = File.ReadAllText(secrets.SignerFile),
            User = "unprovisioned",
            Password = File.ReadAllText(secrets.UnprovisionedPasswordFile),
        };
    }

    private static string MakeTokens(StageSecrets secrets)
    {
        using var issuer = Ed25519Key.FromSeedHex(File.ReadAllText(secrets.IssuerSeedFile));
        using var caller = Ed25519Key.FromSeedHex(File.ReadAllText(secrets.CallerSeedFile));
        var claims = new ClientClaims
        {
            CallerId = EnrolmentStage.CallerId,
            PublicKey = caller.PublicKeyHex,
            OrganizationUnit = TokenClaims.DefaultOrganization,
            Permissions = new ClientPermissions { FleetManagement = true },
        };
        File.WriteAllText(
            secrets.CallerTokenFile, TokenIssuer.Organization(issuer).Issue(claims, CallerTokenLifetime, TimeProvider.System.GetUtcNow()));
        return issuer.PublicKeyHex;
    }
}
