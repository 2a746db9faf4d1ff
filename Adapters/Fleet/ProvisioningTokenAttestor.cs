using System.Collections.Concurrent;
using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Verifies provisioning tokens by the organisations' issuers (EdDSA) and by the configured signers (RS256).</summary>
internal sealed class ProvisioningTokenAttestor(
    SharedSecret secret, IOptions<FleetOptions> fleet, IOptions<ProvisioningOptions> provisioning) : INodeAttestor
{
    /// <summary>
    /// Tokens that were verified. A token is baked into an image, so that a fleet has few, and verifying one costs as much as a signature.
    /// </summary>
    private const int VerifiedMax = 1024;

    private readonly TokenTrust[] trusts = [.. Trusts(fleet.Value, provisioning.Value)];
    private readonly ConcurrentDictionary<string, Verified> verified = new(StringComparer.Ordinal);

    public Attestation Attest(string token, DateTimeOffset now)
    {
        if (verified.TryGetValue(token, out var known) && now >= known.NotBefore && now < known.ExpiresAt)
        {
            return known.Attestation;
        }

        TokenFault? telling = null;
        foreach (var trust in trusts)
        {
            if (trust.TryVerify(token, now, out ProvisioningClaims? claims, out var fault))
            {
                return claims.HasSecret(secret.Value)
                    ? Remember(token, claims)
                    : new Attestation.Refused(Refusal.SecretMismatch, "the shared secret in its provisioning token is not ours");
            }

            telling = telling is null || Weight(fault.Reason) > Weight(telling.Reason) ? fault : telling;
        }

        return telling!.Reason == TokenRefusal.NotYetValid
            ? new Attestation.NotYet($"{telling.Detail}: the clock of this silo is slow, or that of whoever made its provisioning token is fast")
            : new Attestation.Refused(RefusalOf(telling.Reason), $"its provisioning token is refused: {telling.Detail}");
    }

    private Attestation.Trusted Remember(string token, ProvisioningClaims claims)
    {
        var trusted = new Attestation.Trusted(claims.ToJsonWithoutSecrets(), claims.Organization ?? TokenClaims.DefaultOrganization)
        {
            SecretClaimsJson = claims.ToJson(),
        };
        if (verified.Count >= VerifiedMax)
        {
            verified.Clear();
        }

        verified[token] = new Verified(
            trusted, DateTimeOffset.FromUnixTimeSeconds(
                claims.NotBeforeSeconds ?? DateTimeOffset.MinValue.ToUnixTimeSeconds()), claims.ExpiresAt);
        return trusted;
    }

    // A token that one trust believes and finds expired is expired, whatever those say that do not know its signer; and a wrong
    // signature says more than a key of another kind.
    private static int Weight(TokenRefusal reason) => reason switch
    {
        TokenRefusal.AnotherAlgorithm => 0,
        TokenRefusal.Untrusted => 1,
        _ => 2,
    };

    private static Refusal RefusalOf(TokenRefusal reason) => reason switch
    {
        TokenRefusal.Malformed => Refusal.TokenMalformed,
        TokenRefusal.WronglyChained => Refusal.TokenWronglyChained,
        TokenRefusal.Expired => Refusal.TokenExpired,
        TokenRefusal.AnotherPurpose => Refusal.TokenOfAnotherPurpose,
        _ => Refusal.TokenUntrusted,
    };

    private static IEnumerable<TokenTrust> Trusts(FleetOptions fleet, ProvisioningOptions provisioning)
    {
        if (provisioning.Issuers.Count > 0)
        {
            yield return TokenTrust.InOrganizations(provisioning.Issuers);
        }

        if (fleet.ProvisioningTokenSignerFiles.Count > 0)
        {
            yield return TokenTrust.InSigners(
                [.. fleet.ProvisioningTokenSignerFiles.Select(file => SignerIn(File.ReadAllText(file)))]);
        }
    }

    /// <summary>The key of who signs tokens: an RSA public key in PEM, or the one certificate of it.</summary>
    /// <exception cref="ChoriaFormatException">It is neither.</exception>
    internal static IssuerKey SignerIn(string pem)
    {
        if (!pem.Contains("CERTIFICATE", StringComparison.Ordinal))
        {
            return IssuerKey.FromRsaPem(pem);
        }

        try
        {
            return PemCertificates.Read(pem) is [var certificate]
                ? IssuerKey.FromCertificate(certificate)
                : throw new CryptographicException("there is more than one certificate in it");
        }
        catch (CryptographicException fault)
        {
            throw new ChoriaFormatException(new ChoriaFault(ChoriaLayer.Key, "signer", fault.Message), fault);
        }
    }

    private sealed record Verified(Attestation.Trusted Attestation, DateTimeOffset NotBefore, DateTimeOffset ExpiresAt);
}
