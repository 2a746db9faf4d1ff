using ControlPlane.Access;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>What verifies providers' tokens, without a silo around it.</summary>
internal static class Rings
{
    public static IssuerKeyRings Of(OidcOptions oidc, ChoriaSigningOptions? signing = null) => new(
        Options.Create(oidc),
        Options.Create(signing ?? new ChoriaSigningOptions()),
        new KeptAnswers(new MemoryRegister(), new SiteDataProtection(() => [new byte[32]]), NullLogger<KeptAnswers>.Instance),
        TimeProvider.System,
        NullLogger<IssuerKeys>.Instance);

    public static OidcTokens TokensOf(IssuerKeyRings rings, OidcOptions? oidc = null) =>
        new(Options.Create(oidc ?? new OidcOptions()), rings, TimeProvider.System);
}
