namespace ControlPlane.Adapters.Vault;

/// <summary>Our standing with Vault: who it takes us for. Thread-safe.</summary>
/// <remarks>
/// With <see cref="IVaultPki"/> and <see cref="IVaultHealth"/> the seam behind which VaultSharp could do what we do by hand.
/// </remarks>
internal interface IVaultSession
{
    /// <summary>A token to call with; logs in when there is none, with one login for all who wait.</summary>
    /// <exception cref="Certificates.IssuerMisconfiguredException">Vault does not let us in.</exception>
    /// <exception cref="Certificates.IssuerUnavailableException">Vault did not answer.</exception>
    ValueTask<string> GetTokenAsync(CancellationToken cancellationToken);

    /// <summary>Says that Vault refused a token; the next call logs in, unless another did so meanwhile.</summary>
    void Invalidate(string token);
}
