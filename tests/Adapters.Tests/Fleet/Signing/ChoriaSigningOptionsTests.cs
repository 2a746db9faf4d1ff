using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet.Signing;

/// <summary>What a silo does not start with, because nodes would drop what it signed without a word.</summary>
public sealed class ChoriaSigningOptionsTests
{
    private readonly ChoriaSigningOptions options = SigningStage.AsCaptured();
    private readonly ProvisioningOptions provisioning = SigningStage.Provisioning;
    private string? seed = SigningStage.KeyFile("aaa", "authenticator.seed");

    [Fact]
    public void Validate_FindsNothing_InWhatTheCapturedServiceHad() => Assert.Null(Faults());

    [Fact]
    public void Validate_AsksForNothing_WhereNothingIsConfigured()
    {
        seed = null;
        Assert.True(Validate(new ChoriaSigningOptions { Organization = "none" }).Succeeded);
    }

    [Fact]
    public void Validate_DemandsADelegator()
    {
        options.SignerTokenFile = SigningStage.KeyFile("client", "alice.jwt");
        options.SignerSeedFile = SigningStage.KeyFile("client", "alice.seed");

        Assert.Contains("authentication_delegator", Faults(), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_DemandsTheSeedOfTheToken()
    {
        options.SignerSeedFile = SigningStage.KeyFile("client", "alice.seed");
        Assert.Contains("for the public key", Faults(), StringComparison.Ordinal);

        options.SignerSeedFile = null;
        Assert.Contains(
            "SignerSeedFile: is needed", Faults()!.Replace("Property ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_DemandsAnOrganisationAndATokenIssuer()
    {
        options.Organization = "other";
        seed = null;

        var faults = Faults();
        Assert.Contains("must be a key of Provisioning:Issuers", faults, StringComparison.Ordinal);
        Assert.Contains("needs Fleet:ServerTokenSeedFile", faults, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_DemandsAPrivilegedCertificate()
    {
        (options.SignerCertificateFile, options.SignerKeyFile) =
            (SigningStage.KeyFile("broker.pem"), SigningStage.KeyFile("broker.key"));

        Assert.Contains("must end in .privileged.mcollective", Faults(), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_TellsWhatIsWrongWithUsersAndProvider()
    {
        options.UserFiles = ["/nowhere/users.json"];
        options.Oidc = new ChoriaOidcOptions { Issuer = "http://id.example.net", Scopes = ["profile"], Permissions = ["org_admin"] };

        var faults = Faults();
        Assert.Contains("/nowhere/users.json", faults, StringComparison.Ordinal);
        Assert.Contains("Oidc:Issuer", faults, StringComparison.Ordinal);
        Assert.Contains("Oidc:ClientId", faults, StringComparison.Ordinal);
        Assert.Contains("openid", faults, StringComparison.Ordinal);
        Assert.Contains("org_admin", faults, StringComparison.Ordinal);
    }

    private string? Faults() => Validate(options).FailureMessage;

    private ValidateOptionsResult Validate(ChoriaSigningOptions tested) => new ChoriaSigningOptionsValidator(
        Options.Create(new FleetOptions { ServerTokenSeedFile = seed }), Options.Create(provisioning), Clock()).Validate(null, tested);

    private static ShiftedTime Clock()
    {
        var time = new ShiftedTime();
        time.Set(SigningStage.CapturedAt);
        return time;
    }
}
