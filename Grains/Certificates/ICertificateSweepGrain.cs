namespace ControlPlane.Certificates;

/// <summary>Revokes what is due at one issuer. One in the cluster, so that silos do not revoke side by side.</summary>
/// <remarks>Key: the name of the issuer whose ledger it sweeps.</remarks>
[Alias("ControlPlane.ICertificateSweepGrain")]
internal interface ICertificateSweepGrain : IGrainWithStringKey
{
    /// <summary>Settles what is due now, a bounded number. Safe to repeat; a call during another one waits for it.</summary>
    /// <returns>Whether more is due.</returns>
    [Alias("Sweep"), ResponseTimeout("00:02:00")]
    Task<bool> Sweep(CancellationToken cancellationToken);
}
