using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Sites;
using ControlPlane.TestKit.Ports;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Ports;

/// <summary>What is read from files of the silo's machine, or from nothing at all.</summary>
public sealed class FilePortTests : PortFailureTests
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-ports-").FullName;

    public static IEnumerable<(Type Port, Type Implementation)> Tested =>
    [
        (typeof(IExpectedNodes), typeof(AllowList)),
        (typeof(IServerTokenIssuer), typeof(ChoriaServerTokenIssuer)),
        (typeof(INodeAttestor), typeof(ProvisioningTokenAttestor)),
        (typeof(ISiteLink), typeof(NoSiteLink)),
        (typeof(INodeAgent), typeof(RelayedNodeAgent)),
    ];

    /// <summary>The signer's file, which is read at each proof: gone, a folder, or something else.</summary>
    [Theory]
    [InlineData("gone.pem", null)]
    [InlineData("", null)]
    [InlineData("signer.pem", "no PEM")]
    [InlineData("signer.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public async Task ExpectedNodes_ThrowWhatTheyDeclare_WhenTheirFilesCannotBeRead(string signer, string? content)
    {
        if (content is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, signer), content, Cancel);
        }

        var list = new AllowList(
            Options.Create(new NodeProofOptions
            {
                AllowListFile = Path.Combine(folder, signer), DocumentSignerFile = Path.Combine(folder, signer),
            }),
            NullLogger<AllowList>.Instance);

        await AssertTranslatedAsync(Tested, new FailingPort(typeof(IExpectedNodes), list) { ThrowsAny = true });
    }

    [Fact]
    public async Task ServerTokens_CannotBeMade_WithoutASeed()
    {
        using var own = new OwnTokenIssuer(Options.Create(new FleetOptions()));
        var tokens = new ChoriaServerTokenIssuer(own);

        await AssertTranslatedAsync(
            Tested, new FailingPort(typeof(IServerTokenIssuer), tokens, typeof(InvalidOperationException)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b.c")]
    [InlineData("....")]
    [InlineData("\ud800.\ud800.\ud800")]
    [InlineData("e30.e30.e30")]
    [InlineData("eyJhbGciOiJub25lIn0.eyJleHAiOjFlOTk5fQ.")]
    public async Task Attestation_NeverThrows_ForWhatATokenHolds(string token)
    {
        await using var parts = new FleetParts();

        await AssertTranslatedAsync(
            Tested,
            new FailingPort(typeof(INodeAttestor), parts.Attestor)
            {
                Texts = new Dictionary<string, string>(StringComparer.Ordinal) { ["token"] = token },
            });
    }

    [Fact]
    public Task AnotherSite_IsLost_WhereNobodyCanBeAsked() => AssertTranslatedAsync(
        Tested, new FailingPort(typeof(ISiteLink), new NoSiteLink(), typeof(SiteUnreachableException)));

    [Fact]
    public async Task ANodeOfAnotherSitesNetwork_IsNotReached_WhereNobodyCanBeAsked()
    {
        await using var parts = new FleetParts();
        var options = new FixedOptions<OverlaysOptions>(parts.Overlays.Value);

        await AssertTranslatedAsync(
            Tested,
            new FailingPort(
                typeof(INodeAgent),
                new RelayedNodeAgent("paris", new NodeSites(null!, new NoSiteLink(), options), parts.Agent),
                typeof(NetworkUnavailableException)) { MayAnswer = true });
    }

    protected override void Dispose(bool disposing)
    {
        Directory.Delete(folder, recursive: true);
        base.Dispose(disposing);
    }
}
