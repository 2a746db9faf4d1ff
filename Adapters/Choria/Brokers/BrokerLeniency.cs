namespace ControlPlane.Adapters.Choria;

/// <summary>
/// Where Choria's broker believes more than it should. The decision is one; what a real broker overlooks is said here and nowhere else, so
/// that a broker of ours overlooks nothing and a stand-in for Choria's overlooks the same.
/// </summary>
public sealed record BrokerLeniency
{
    /// <summary>Nothing is overlooked.</summary>
    public static BrokerLeniency None { get; } = new();

    /// <summary>What the broker of Choria 0.30 overlooks, as it was recorded.</summary>
    public static BrokerLeniency OfChoria { get; } = new()
    {
        TokensWithoutEnd = true,
        UnheededIssuerChains = true,
        ProvisioningWithoutPurpose = true,
        ProvisionerWithoutProof = true,
    };

    /// <summary>A token without <c>exp</c>, signed by the organisation's issuer itself, never ends.</summary>
    public bool TokensWithoutEnd { get; init; }

    /// <summary>The <c>tcs</c> of a client token that is signed by the organisation's issuer itself is not looked at.</summary>
    public bool UnheededIssuerChains { get; init; }

    /// <summary>A token that says only in <c>sub</c> that it is for provisioning counts as such.</summary>
    public bool ProvisioningWithoutPurpose { get; init; }

    /// <summary>The provisioner need not sign the nonce, and its token need name neither a caller nor a key.</summary>
    public bool ProvisionerWithoutProof { get; init; }
}
