namespace ControlPlane.Certificates;

/// <summary>
/// Looks for what issuance alone cannot see: certificates of a CA that the ledger does not know, and keys that share a prime.
/// </summary>
/// <remarks>Key: the name of the issuer. One in the cluster, so that silos do not search side by side.</remarks>
[Alias("ControlPlane.ICertificateAuditGrain")]
internal interface ICertificateAuditGrain : IGrainWithStringKey
{
    /// <summary>Searches once, unless it has within the interval. Safe to repeat; a call during another one waits for it.</summary>
    [Alias("Audit"), ResponseTimeout("00:15:00")]
    Task Audit(CancellationToken cancellationToken);
}
