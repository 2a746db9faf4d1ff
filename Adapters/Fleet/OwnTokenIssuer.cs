using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Signs the tokens of this site's nodes and users: by the organisation issuer's seed, or a chain issuer's. Thread-safe.</summary>
internal sealed class OwnTokenIssuer : IDisposable
{
    /// <summary>Nodes allow their clocks no leeway: a token that begins now would be refused by one that is a second slow.</summary>
    public static readonly TimeSpan Backdate = TimeSpan.FromMinutes(2);

    private readonly Ed25519Key? key;
    private readonly TokenIssuer? issuer;

    public OwnTokenIssuer(IOptions<FleetOptions> options)
    {
        if (options.Value.ServerTokenSeedFile is not { } seedFile)
        {
            return;
        }

        key = Ed25519Key.FromSeed(SecretFile.ReadHex(seedFile));
        issuer = options.Value.ServerTokenIssuerTokenFile is { } tokenFile
            ? TokenIssuer.Chained(key, ReadChainIssuer(tokenFile))
            : TokenIssuer.Organization(key);
    }

    /// <summary>What its tokens name as their issuer; null when it is the organisation issuer itself, or there is none.</summary>
    public string? ChainedName => issuer?.ChainedName;

    /// <exception cref="InvalidOperationException">No seed is configured.</exception>
    public TokenIssuer Issuer => issuer
        ?? throw new InvalidOperationException("a token is needed and Fleet:ServerTokenSeedFile is not configured");

    public void Dispose() => key?.Dispose();

    private static ClientClaims ReadChainIssuer(string tokenFile) =>
        ChoriaToken.TryReadUnverified(SecretFile.Read(tokenFile), out ClientClaims? claims, out var fault)
            ? claims
            : throw new InvalidOperationException($"the chain issuer's token in '{tokenFile}' cannot be read: {fault}");
}
