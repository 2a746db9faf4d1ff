using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats.Callout;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>
/// What a log-in's own credentials are worth: what Choria's broker decides, and then one identity for each connection. Pure.
/// </summary>
/// <param name="settings">
/// What decides; one for each signer of provisioning tokens, since the decision knows one. Any of them may let a connection in.
/// </param>
/// <param name="identityClaim">
/// The claim of provisioning tokens that is their node's identity; null where all nodes have the same token.
/// </param>
internal sealed partial class LogInJudge(IReadOnlyList<BrokerSettings> settings, string? identityClaim)
{
    // The network of V1: no issuers, so a certificate is all that there is to show.
    private static readonly BrokerSettings ByCertificate = new() { VerifiesCertificates = true };

    public LogInVerdict Judge(AuthorizationRequest request, DateTimeOffset now)
    {
        if (request.Client.Kind != "Client")
        {
            return Refuse($"a connection of the kind {request.Client.Kind} is no agent's or client's");
        }

        var logIn = LogInOf(request);
        BrokerVerdict.Refused? refused = null;
        foreach (var one in logIn is { Tls: LogInTls.WithTrustedCertificate, Token: null or "" } ? [ByCertificate] : settings)
        {
            switch (BrokerDecision.Judge(one, logIn, now))
            {
                case BrokerVerdict.Admitted admitted:
                    return Bind(request, admitted);

                case BrokerVerdict.Refused other:
                    refused ??= other;
                    break;
            }
        }

        return Refuse(refused?.Cause is { } cause ? $"{refused.Reason}: {cause}" : refused?.Reason ?? "there are no settings");
    }

    private static BrokerLogIn LogInOf(AuthorizationRequest request) => new(
        request.Tls switch
        {
            null => LogInTls.None,
            { VerifiedChains: [[_, ..], ..] } => LogInTls.WithTrustedCertificate,
            { Certificates.Count: > 0 } => LogInTls.WithUntrustedCertificate,
            _ => LogInTls.WithoutCertificate,
        },
        request.Connect.Token,
        request.Connect.Signature,
        request.Client.Nonce,
        request.Connect.User,
        request.Connect.Password);

    private LogInVerdict Bind(AuthorizationRequest request, BrokerVerdict.Admitted admitted)
    {
        var token = request.Connect.Token ?? "";
        switch (admitted.Party)
        {
            case BrokerParty.UnprovisionedNode:
                return ChoriaToken.TryReadUnverified(token, out ProvisioningClaims? provisioning, out var fault)
                    ? BindUnprovisioned(request.Connect.Name ?? "", admitted, provisioning)
                    : Refuse($"its provisioning token: {fault.Field} {fault.Problem}");

            case BrokerParty.Node:
                return ChoriaToken.TryReadUnverified(token, out ServerClaims? server, out fault)
                    ? BindNode(server.Identity, server.PublicKey!.ToLowerInvariant(), server.ExpiresAt, admitted)
                    : Refuse($"its server token: {fault.Field} {fault.Problem}");

            case BrokerParty.CertificateHolder:
                return BindCertificate(request.Tls!.VerifiedChains[0][0], admitted);

            case BrokerParty.Client:
                _ = ChoriaToken.TryReadUnverified(token, out ClientClaims? client, out _);
                return Admit(admitted, $"client:{admitted.User}", client?.ExpiresAt);

            // Whoever hears the brokers' questions reads all tokens and passwords.
            case BrokerParty.SystemUser:
                var rights = admitted.Rights with { SubscribeDeny = [AuthorizationRequest.Subject] };
                return Admit(admitted with { Rights = rights }, "system:operator", end: null);

            default:
                return Admit(admitted, $"{BrokerDecision.ProvisionerUser}:", end: null);
        }
    }

    private LogInVerdict BindUnprovisioned(string name, BrokerVerdict.Admitted admitted, ProvisioningClaims claims) =>
        !NodeIdentity.IsValid(name) ? new LogInVerdict.Refused(LogInFault.Name, $"its name is none of a node: {NodeIdentity.Rule}")
        : identityClaim is not null && !HasClaim(claims, identityClaim, name)
            ? new LogInVerdict.Refused(LogInFault.Name, $"the claim {identityClaim} of its provisioning token is not its name, {name}")
        : Admit(
            admitted with { Rights = NodeRights.Unprovisioned(name) }, new SessionOwner(name, Key: null), claims.ExpiresAt);

    private static LogInVerdict BindNode(string identity, string key, DateTimeOffset end, BrokerVerdict.Admitted admitted) =>
        NodeIdentity.IsValid(identity)
            ? Admit(admitted, new SessionOwner(identity, key), end)
            : new LogInVerdict.Refused(LogInFault.Name, $"its credentials name no node: {NodeIdentity.Rule}");

    // Nodes and callers of V1 have certificates of one CA; nodes themselves tell them apart by these names.
    private static LogInVerdict BindCertificate(string pem, BrokerVerdict.Admitted admitted)
    {
        using var certificate = PemCertificates.Read(pem)[0];
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        var end = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        return CallerNames().IsMatch(name)
            ? Admit(admitted, $"client:{name}", end)
            : BindNode(
                name,
                Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo())),
                end,
                admitted with { Rights = NodeRights.ByCertificate(name) });
    }

    private static LogInVerdict.Refused Refuse(string detail) => new(LogInFault.Credentials, detail);

    private static LogInVerdict.Admitted Admit(BrokerVerdict.Admitted admitted, SessionOwner owner, DateTimeOffset end) =>
        Admit(admitted, owner.UserName, end) with { Owner = owner };

    private static LogInVerdict.Admitted Admit(BrokerVerdict.Admitted admitted, string userName, DateTimeOffset? end) =>
        new(admitted.Party, Owner: null, BrokerGrant.Of(admitted, userName, admitted.Account) with { NotAfter = end });

    private static bool HasClaim(ProvisioningClaims claims, string path, string expected)
    {
        using var json = JsonDocument.Parse(claims.ToJson());
        var at = json.RootElement;
        foreach (var name in path.Split('.'))
        {
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at))
            {
                return false;
            }
        }

        return at.ValueKind == JsonValueKind.String && at.ValueEquals(expected);
    }

    [GeneratedRegex(@"\.(mcollective|choria)$", RegexOptions.CultureInvariant)]
    private static partial Regex CallerNames();
}

/// <summary>What a log-in's own credentials are worth.</summary>
internal abstract record LogInVerdict
{
    private LogInVerdict()
    {
    }

    public sealed record Refused(LogInFault Fault, string Detail) : LogInVerdict;

    /// <param name="Party">Who it is.</param>
    /// <param name="Owner">The node whose it is; null for others.</param>
    /// <param name="Grant">As what the server shall let it in.</param>
    public sealed record Admitted(BrokerParty Party, SessionOwner? Owner, UserGrant Grant) : LogInVerdict;
}
