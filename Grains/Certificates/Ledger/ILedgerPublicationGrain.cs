namespace ControlPlane.Certificates;

/// <summary>Publishes the history of one ledger. One in the cluster, so that silos do not publish side by side.</summary>
/// <remarks>Key: the name of the issuer whose ledger it is.</remarks>
[Alias("ControlPlane.ILedgerPublicationGrain")]
internal interface ILedgerPublicationGrain : IGrainWithStringKey
{
    /// <summary>Publishes what waits now. Safe to repeat; a call during another one waits for it.</summary>
    [Alias("Publish"), ResponseTimeout("00:02:00")]
    Task Publish(CancellationToken cancellationToken);
}
