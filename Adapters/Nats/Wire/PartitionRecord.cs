namespace ControlPlane.Adapters.Nats;

/// <summary>Into how many partitions the provider's streams were cut when they were made.</summary>
internal sealed record PartitionRecord(int Partitions)
{
    public const string Key = "partitions";

    /// <summary>Records the number at the first start; later says, by throwing, when the configuration has another.</summary>
    /// <exception cref="PartitionMismatchException">The streams were made with another number.</exception>
    public static async Task VerifyAsync(
        StateRegister register, string provider, int partitions, ProviderNames names, CancellationToken cancellationToken)
    {
        await register.EnsureAsync(cancellationToken);
        var (record, revision) = await register.ReadAsync<PartitionRecord>(Key, cancellationToken);
        if (record is null)
        {
            try
            {
                await register.WriteAsync(Key, new PartitionRecord(partitions), revision, cancellationToken);
                return;
            }
            catch (JetStreamConflictException)
            {
                (record, _) = await register.ReadAsync<PartitionRecord>(Key, cancellationToken);
            }
        }

        if (record is not null && record.Partitions != partitions)
        {
            throw new PartitionMismatchException(
                $"The stream provider '{provider}' is configured with {partitions} partitions, but its streams were made with "
                + $"{record.Partitions}. Set Partitions back to {record.Partitions}. To change it: let the queues run empty, stop all "
                + $"silos, and purge the subject {names.StateSubject(Key)} of the JetStream stream {names.StateJetStream}.");
        }
    }
}

/// <summary>The configured number of partitions is not that of the streams.</summary>
internal sealed class PartitionMismatchException(string message) : Exception(message);
