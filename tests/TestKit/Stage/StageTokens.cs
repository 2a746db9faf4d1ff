using ControlPlane.Adapters.Choria;

namespace ControlPlane.TestKit.Stage;

/// <summary>The tokens of one stage, with the permissions that <c>docs/OPERATING.md</c> has the silo's made with.</summary>
internal static class StageTokens
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(365);

    /// <summary>Writes those of the chain issuer and of the caller; gives the organisation issuer's public key.</summary>
    public static string Write(StageSecrets secrets)
    {
        using var issuer = Ed25519Key.FromSeedHex(File.ReadAllText(secrets.IssuerSeedFile));
        using var chain = Ed25519Key.FromSeedHex(File.ReadAllText(secrets.ChainSeedFile));
        using var caller = Ed25519Key.FromSeedHex(File.ReadAllText(secrets.CallerSeedFile));
        var (organization, now) = (TokenIssuer.Organization(issuer), TimeProvider.System.GetUtcNow());
        var provisioner = new ClientPermissions { Provisioner = true, FleetManagement = true };
        Write(
            secrets.ChainTokenFile, organization.IssueChainIssuer(Claims("up=controlplane-signer", chain, provisioner), Lifetime, now));
        Write(secrets.CallerTokenFile, organization.Issue(CallerClaims(caller), Lifetime, now));
        return issuer.PublicKeyHex;
    }

    private static void Write(string path, string token)
    {
        File.WriteAllText(path, token);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    // One for all overlays of the stage: in the guide each has its own, which names one overlay.
    private static ClientClaims CallerClaims(Ed25519Key key) =>
        Claims(EnrolmentStage.CallerId, key, new ClientPermissions { FleetManagement = true, StreamsUser = true }) with
        {
            Agents = ["choria_provision.reprovision"],
            PublishSubjects = ["controlplane.>", "orleans.>", "$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.UPDATE.*"],
        };

    private static ClientClaims Claims(string caller, Ed25519Key key, ClientPermissions permissions) => new()
    {
        CallerId = caller,
        PublicKey = key.PublicKeyHex,
        OrganizationUnit = TokenClaims.DefaultOrganization,
        Permissions = permissions,
    };
}
