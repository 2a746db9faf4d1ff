using System.Diagnostics;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>What is asked of a key besides its own strength: that nobody knows it, has it or had it.</summary>
internal sealed class KeyAdmission(IKeyRegister register, IOptionsMonitor<CertificatesOptions> options)
{
    private readonly RejectedKeys rejected = RejectedKeys.Read(options.CurrentValue);

    /// <summary>Why the key may not be certified for the node, or null: it is the node's then. Safe to repeat.</summary>
    /// <remarks>
    /// Claimed before the intent is recorded: a claim whose order never went on costs nothing, since the key stays the node's.
    /// </remarks>
    /// <exception cref="LedgerUnavailableException">The register did not answer.</exception>
    public async Task<SigningRequestVerdict.Refused?> AdmitAsync(SigningRequest request, string identity)
    {
        if (rejected.Holds(request))
        {
            return new SigningRequestVerdict.Refused(Refusal.KeyUnacceptable, "the key is on the list of rejected keys");
        }

        if (options.CurrentValue.SharedKeys)
        {
            return null;
        }

        return await register.ClaimAsync(request.PublicKeyFingerprint, identity, CancellationToken.None) switch
        {
            KeyClaim.Held => null,
            KeyClaim.OfAnotherNode => new SigningRequestVerdict.Refused(Refusal.KeyReused, "another node was certified for this key"),
            KeyClaim.Revoked => new SigningRequestVerdict.Refused(Refusal.KeyReused, "a certificate of this key was revoked"),
            _ => throw new UnreachableException(),
        };
    }
}
