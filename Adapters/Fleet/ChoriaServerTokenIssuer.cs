using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Signs server tokens as the site's token issuer.</summary>
internal sealed class ChoriaServerTokenIssuer(OwnTokenIssuer own) : IServerTokenIssuer
{
    public ServerToken Issue(ServerTokenOrder order, DateTimeOffset now)
    {
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
        var token = own.Issuer.Issue(claims, order.Lifetime + OwnTokenIssuer.Backdate, now - OwnTokenIssuer.Backdate);
        return ChoriaToken.TryReadUnverified(token, out ServerClaims? issued, out var fault)
            ? new ServerToken(token, issued.ExpiresAt)
            : throw new InvalidOperationException($"the server token that was just made cannot be read: {fault}");
    }
}
