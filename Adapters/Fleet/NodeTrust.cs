using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Says what the proof in a node's message is worth: v2 by the server token in it, v1 by the certificate.</summary>
internal sealed class NodeTrust : IDisposable
{
    private readonly TokenTrust tokens;
    private readonly Dictionary<string, CertificateTrust> certificates = new(StringComparer.Ordinal);

    public NodeTrust(IOptions<FleetOptions> fleet, IOptions<ProvisioningOptions> provisioning)
    {
        tokens = TokenTrust.InOrganizations(provisioning.Value.Issuers);
        foreach (var (overlay, network) in fleet.Value.Overlays)
        {
            if (network.NodeCaFile is { } file)
            {
                // Nodes are no clients: any name may speak, for itself alone.
                certificates[overlay] = new CertificateTrust(PemCertificates.ReadFile(file), ["."], []);
            }
        }
    }

    /// <summary>
    /// The key that was proven and what it is worth; null when the registration is to be believed to nobody, with the reason.
    /// </summary>
    public (string Key, CredentialStatus Standing)? Judge(
        ReceivedRequest received, string overlay, DateTimeOffset storedAt, out string refusal)
    {
        refusal = "";
        return received.Proof.Protocol == ChoriaProtocol.V2
            ? JudgeToken(received, storedAt, out refusal)
            : JudgeCertificate(received, overlay, storedAt, out refusal);
    }

    /// <summary>Whether a signed submission is of the node that it names.</summary>
    public bool IsOf(SubmittedMessage submitted, DateTimeOffset storedAt) =>
        RequestVerification.TryVerifySubmission(submitted, tokens, storedAt, out _, out _);

    public void Dispose()
    {
        foreach (var trust in certificates.Values)
        {
            trust.Dispose();
        }
    }

    private (string Key, CredentialStatus Standing)? JudgeToken(ReceivedRequest received, DateTimeOffset storedAt, out string refusal)
    {
        if (RequestVerification.TryVerifyNode(received, tokens, storedAt, out var node, out var fault))
        {
            refusal = "";
            return (node.PublicKey ?? "", CredentialStatus.Verified);
        }

        refusal = fault.Detail;
        return fault.Reason == RequestRefusal.CredentialRefused && IsExpired(received, storedAt, out var key)
            ? (key, CredentialStatus.Expired)
            : null;
    }

    // Sound in every other way: then it is the node, and an operator should hear that it goes on with what has ended.
    private bool IsExpired(ReceivedRequest received, DateTimeOffset storedAt, out string key)
    {
        key = "";
        if (!ChoriaToken.TryReadUnverified(received.Proof.CallerCredential, out ServerClaims? said, out _) || said.ExpiresAt > storedAt
            || !tokens.TryVerify(received.Proof.CallerCredential, said.ExpiresAt.AddSeconds(-1), out ServerClaims? claims, out _)
            || claims.Identity != received.Request.Sender
            || claims.PublicKey is not { Length: Ed25519Key.PublicKeyBytes * 2 } shown || !shown.All(char.IsAsciiHexDigit))
        {
            return false;
        }

        key = shown;
        return received.Proof.IsSignedBy(Convert.FromHexString(shown));
    }

    private (string Key, CredentialStatus Standing)? JudgeCertificate(
        ReceivedRequest received, string overlay, DateTimeOffset storedAt, out string refusal)
    {
        refusal = "there is no Fleet:Overlays:…:NodeCaFile to believe certificates by";
        if (!certificates.TryGetValue(overlay, out var trust))
        {
            return null;
        }

        if (received.Request.Caller != $"choria={received.Request.Sender}")
        {
            refusal = "the caller is another than the sender";
            return null;
        }

        if (KeyOf(received.Proof.CallerCredential) is not var (key, notAfter))
        {
            refusal = "its certificate cannot be read";
            return null;
        }

        if (trust.TryVerifyCaller(received, storedAt, out var fault))
        {
            return (key, CredentialStatus.Verified);
        }

        refusal = fault.Detail;

        // At the time of the certificate's end the request is not fresh: only a chain that holds then is left to ask for.
        return fault.Reason == RequestRefusal.CredentialRefused && notAfter < storedAt && received.Proof.IsSignedByItsCertificate()
            && trust.IsIssuedHere(received.Proof.CallerCredential, notAfter.AddSeconds(-1))
                ? (key, CredentialStatus.Expired)
                : null;
    }

    private static (string Key, DateTimeOffset NotAfter)? KeyOf(string pem)
    {
        try
        {
            using var certificate = PemCertificates.Read(pem)[0];
            var key = Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));
            return (key, certificate.NotAfter.ToUniversalTime());
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
