namespace ControlPlane.Adapters.Vault;

/// <summary>How a Vault stands, whoever asks.</summary>
internal interface IVaultHealth
{
    /// <summary>Asks it.</summary>
    /// <exception cref="Certificates.IssuerUnavailableException">It did not answer.</exception>
    Task<VaultStatus> ReadAsync(CancellationToken cancellationToken);
}

/// <param name="Usable">It signs, or passes on to who signs.</param>
/// <param name="Detail">What it is.</param>
/// <param name="ServerTime">Its clock; null when it did not say.</param>
internal sealed record VaultStatus(bool Usable, string Detail, DateTimeOffset? ServerTime);
