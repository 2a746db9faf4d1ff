using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Nodes;

/// <summary>Puts what a helper answered over what the layers say. Pure.</summary>
internal static class HelperDraft
{
    /// <summary>Who said a line.</summary>
    public const string Origin = "helper";

    /// <summary>What is wrong with an answer; null when nothing.</summary>
    public static string? Fault(HelperAnswer answer, string identity, PendingCredentials pending) =>
        answer.Configuration.GetValueOrDefault("identity", identity) != identity ? "it answered for another node"
        : answer.CertificatePem.Length > 0 && answer.ChainPem.Length == 0 ? "it answered a certificate without its CA ('ca')"
        : answer.PrivateKeyPem.Length > 0 && answer.CertificatePem.Length == 0 ? "it answered a key without a certificate"
        : answer.CertificatePem.Length > 0 && answer.PrivateKeyPem.Length == 0 && pending.SigningRequestPem is null
            ? "it answered a certificate, and the node was asked for no signing request; see Provisioning:V2Credentials"
        : answer.PrivateKeyPem.Length > 0 && RequestOrNull(answer.PrivateKeyPem, identity) is null ? "its 'key' is no RSA key in PEM"
        : answer.CertificatePem.Length > 0
            ? CertificateFault(answer, identity, RequestOrNull(answer.PrivateKeyPem, identity) ?? pending.SigningRequestPem!)
        : null;

    /// <summary>The layers' draft with the helper's lines over it.</summary>
    public static NodeDraft Over(NodeDraft layers, HelperAnswer answer) => layers with
    {
        Settings = layers.Settings.SetItems(LinesOf(answer.Configuration)),
        ActionPolicies = layers.ActionPolicies.SetItems(LinesOf(answer.ActionPolicies)),
        OpaPolicies = layers.OpaPolicies.SetItems(LinesOf(answer.OpaPolicies)),
        Certificate = answer.CertificatePem.Length > 0
            ? new GivenCertificate(answer.CertificatePem, answer.ChainPem)
            : null,
        IsKeyGiven = answer.PrivateKeyPem.Length > 0,
        Token = answer.Token,
        Upgrade = answer.Upgrade.Length > 0 ? answer.Upgrade : layers.Upgrade,
    };

    /// <summary>The node's credentials, with the order that a given certificate is kept under.</summary>
    /// <remarks>A given key takes the place of the node's own: the order is for it, as if the node had made the request.</remarks>
    public static PendingCredentials For(PendingCredentials pending, HelperAnswer answer, string identity, OrderReference order) =>
        answer.CertificatePem.Length == 0 ? pending : pending with
        {
            Order = pending.Order ?? order,
            SigningRequestPem = RequestOrNull(answer.PrivateKeyPem, identity) ?? pending.SigningRequestPem,
            SslDirectory = pending.SslDirectory ?? (answer.SslDirectory.Length > 0 ? answer.SslDirectory : $"{pending.Directory}/ssl"),
        };

    // The rest is judged when it is recorded, where a wrong certificate sets its CA aside for all: what a helper confuses is one node's.
    private static string? CertificateFault(HelperAnswer answer, string identity, string signingRequestPem)
    {
        try
        {
            using var certificate = PemCertificates.Read(answer.CertificatePem)[0];
            var request = CertificateRequest.LoadSigningRequestPem(
                signingRequestPem, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.SkipSignatureValidation);
            var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
            return name != identity ? $"its certificate is for {name}"
                : certificate.PublicKey.ExportSubjectPublicKeyInfo().SequenceEqual(request.PublicKey.ExportSubjectPublicKeyInfo()) ? null
                : "its certificate is for another key";
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            return $"its certificate cannot be read: {unreadable.Message}";
        }
    }

    // Empty values would be faults of server.conf; helpers leave such lines in.
    private static IEnumerable<KeyValuePair<string, NodeLine>> LinesOf(IReadOnlyDictionary<string, string> lines) => lines
        .Where(line => line.Value.Length > 0)
        .Select(line => KeyValuePair.Create(line.Key, new NodeLine(line.Value, Origin)));

    private static string? RequestOrNull(string keyPem, string identity)
    {
        if (keyPem.Length == 0)
        {
            return null;
        }

        try
        {
            using var key = RSA.Create();
            key.ImportFromPem(keyPem);
            var name = new X500DistinguishedNameBuilder();
            name.AddCommonName(identity);
            return new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem();
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or CryptographicException)
        {
            return null;
        }
    }
}
