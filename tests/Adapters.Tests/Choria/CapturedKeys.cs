namespace ControlPlane.Adapters.Choria.Tests;

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

/// <summary>The private keys of who took part in the recorded traffic.</summary>
internal sealed class CapturedKeys : IDisposable
{
    private readonly Dictionary<string, Ed25519Key> keys = [];
    private readonly Dictionary<string, RSA> certificateKeys = [];

    public CapturedKeys()
    {
        foreach (var file in Directory.EnumerateFiles(Captures.Root, "*.seed", SearchOption.AllDirectories))
        {
            var key = Ed25519Key.FromSeedHex(File.ReadAllText(file));
            if (!keys.TryAdd(key.PublicKeyHex, key))
            {
                key.Dispose();
            }
        }

        foreach (var file in Directory.EnumerateFiles(Captures.Root, "*.key", SearchOption.AllDirectories))
        {
            var key = RSA.Create();
            key.ImportFromPem(File.ReadAllText(file));
            certificateKeys.TryAdd(Convert.ToHexString(key.ExportRSAPublicKey()), key);
        }
    }

    public Ed25519Key? KeyOf(string token)
    {
        var parts = token.Split('.');
        return parts.Length == 3
            ? keys.GetValueOrDefault($"{JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]))!["public_key"]}")
            : null;
    }

    /// <summary>Who signed; null when nobody did, the signature was spoilt, or the key is not among the captures.</summary>
    public RequestSigner? SignerOf(RequestProof proof)
    {
        var credential = proof.SignerToken ?? proof.CallerCredential;
        var isOfItsToken = KeyOf(credential) is { } holder && proof.IsSignedBy(holder.PublicKey.Span);
        if (proof.IsInsecure || !(isOfItsToken || proof.IsSignedByItsCertificate()))
        {
            return null;
        }

        if (proof.Protocol == ChoriaProtocol.V1)
        {
            using var certificate = X509Certificate2.CreateFromPem(proof.CallerCredential);
            var publicKey = Convert.ToHexString(certificate.PublicKey.EncodedKeyValue.RawData);
            return certificateKeys.TryGetValue(publicKey, out var rsa) ? RequestSigner.WithCertificate(rsa, proof.CallerCredential) : null;
        }

        return KeyOf(credential) is not { } key ? null
            : proof.SignerToken is { } signer ? RequestSigner.Delegated(key, proof.CallerCredential, signer)
            : RequestSigner.WithToken(key, proof.CallerCredential);
    }

    public void Dispose()
    {
        foreach (var key in keys.Values)
        {
            key.Dispose();
        }

        foreach (var key in certificateKeys.Values)
        {
            key.Dispose();
        }
    }
}
