using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Signs server tokens with the organisation issuer's seed, or as a chain issuer.</summary>
internal sealed class ChoriaServerTokenIssuer : IServerTokenIssuer, IDisposable
{
    /// <summary>Nodes allow their clocks no leeway: a token that begins now would be refused by one that is a second slow.</summary>
    private static readonly TimeSpan Backdate = TimeSpan.FromMinutes(2);

    private readonly Ed25519Key? key;
    private readonly TokenIssuer? issuer;

    public ChoriaServerTokenIssuer(IOptions<FleetOptions> options)
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

    public ServerToken Issue(ServerTokenOrder order, DateTimeOffset now)
    {
        if (issuer is null)
        {
            throw new InvalidOperationException("a server token is needed and Fleet:ServerTokenSeedFile is not configured");
        }

        var claims = new ServerClaims
        {
            Identity = order.Identity,
            Collectives = order.Collectives,
            PublicKey = order.PublicKey,
            OrganizationUnit = order.OrganizationUnit,
            Permissions = new ServerPermissions(
                order.Rights.Submission, order.Rights.Streams, order.Rights.Governor, order.Rights.ServiceHost),
            PublishSubjects = order.PublishSubjects.Count > 0 ? order.PublishSubjects : null,
        };
        var token = issuer.Issue(claims, order.Lifetime + Backdate, now - Backdate);
        return ChoriaToken.TryReadUnverified(token, out ServerClaims? issued, out var fault)
            ? new ServerToken(token, issued.ExpiresAt)
            : throw new InvalidOperationException($"the server token that was just made cannot be read: {fault}");
    }

    public void Dispose() => key?.Dispose();

    private static ClientClaims ReadChainIssuer(string tokenFile) =>
        ChoriaToken.TryReadUnverified(SecretFile.Read(tokenFile), out ClientClaims? claims, out var fault)
            ? claims
            : throw new InvalidOperationException($"the chain issuer's token in '{tokenFile}' cannot be read: {fault}");
}
