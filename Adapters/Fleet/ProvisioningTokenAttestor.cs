using ControlPlane.Adapters.Choria;
using ControlPlane.Provisioning;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Verifies provisioning tokens by the organisations' issuers (EdDSA) and by the configured signers (RS256).</summary>
internal sealed class ProvisioningTokenAttestor(
    SharedSecret secret, IOptions<FleetOptions> fleet, IOptions<ProvisioningOptions> provisioning) : INodeAttestor
{
    private readonly TokenTrust[] trusts = [.. Trusts(fleet.Value, provisioning.Value)];

    public Attestation Attest(string token, DateTimeOffset now)
    {
        TokenFault? telling = null;
        foreach (var trust in trusts)
        {
            if (trust.TryVerify(token, now, out ProvisioningClaims? claims, out var fault))
            {
                return claims.HasSecret(secret.Value)
                    ? new Attestation.Trusted(claims.ToJsonWithoutSecrets(), claims.Organization ?? TokenClaims.DefaultOrganization)
                    : new Attestation.Refused(Refusal.SecretMismatch, "the shared secret in its provisioning token is not ours");
            }

            // A token that one trust believes and finds expired is expired, whatever those say that do not know its signer.
            telling = telling is null or { Reason: TokenRefusal.Untrusted } ? fault : telling;
        }

        return new Attestation.Refused(RefusalOf(telling!.Reason), $"its provisioning token is refused: {telling.Detail}");
    }

    private static Refusal RefusalOf(TokenRefusal reason) => reason switch
    {
        TokenRefusal.Malformed => Refusal.TokenMalformed,
        TokenRefusal.WronglyChained => Refusal.TokenWronglyChained,
        TokenRefusal.Expired or TokenRefusal.NotYetValid => Refusal.TokenExpired,
        TokenRefusal.AnotherPurpose => Refusal.TokenOfAnotherPurpose,
        _ => Refusal.TokenUntrusted,
    };

    private static IEnumerable<TokenTrust> Trusts(FleetOptions fleet, ProvisioningOptions provisioning)
    {
        if (provisioning.Issuers.Count > 0)
        {
            yield return TokenTrust.InOrganizations(
                provisioning.Issuers.ToDictionary(issuer => issuer.Key, issuer => IssuerKey.FromEd25519Hex(issuer.Value)));
        }

        if (fleet.ProvisioningTokenSignerFiles.Count > 0)
        {
            yield return TokenTrust.InSigners([.. fleet.ProvisioningTokenSignerFiles.Select(file => IssuerKey.FromRsaPem(File.ReadAllText(file)))]);
        }
    }
}
