namespace ControlPlane.Certificates;

[GrainType("ledger-publication")]
internal sealed class LedgerPublicationGrain : Grain, ILedgerPublicationGrain
{
    private readonly IReadOnlyList<ShardPublication> shards;
    private readonly CertificatesMeter meter;

    public LedgerPublicationGrain(ICertificateLedger ledger, LedgerLog history, CertificatesMeter meter, TimeProvider time)
    {
        this.meter = meter;
        shards = [.. Enumerable.Range(0, CertificateShard.Count)
            .Select(shard => new ShardPublication(ledger, history, this.GetPrimaryKeyString(), shard, time))];
    }

    public async Task Publish(CancellationToken cancellationToken)
    {
        // Counted first: how much waits is seen also while the log is away.
        var waiting = await Task.WhenAll(shards.Select(shard => shard.CountAsync(cancellationToken)));
        meter.Unpublished(this.GetPrimaryKeyString(), waiting.Sum());
        await Task.WhenAll(shards.Select(shard => shard.PublishAsync(cancellationToken)));
    }
}
