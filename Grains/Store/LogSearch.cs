namespace ControlPlane.Store;

/// <summary>Finds places in logs.</summary>
internal static class LogSearch
{
    /// <summary>
    /// The position of a topic's last record for which something holds that holds for all before it; 0 when it holds for none. Topics share
    /// the log, so that it is looked for by halves.
    /// </summary>
    public static async Task<ulong> FindLastAsync(
        this ILog log, string topic, Func<LogItem.Entry, bool> holds, CancellationToken cancellationToken) => await FindLastAsync(
            await log.GetPositionsAsync(cancellationToken),
            after => log.ReadAsync(topic, after, cancellationToken).OfType<LogItem.Entry>(),
            holds,
            cancellationToken);

    /// <summary>The same for records that are read in another way.</summary>
    /// <param name="held">What the log holds.</param>
    /// <param name="readAfter">Reads the records after a position, oldest first.</param>
    /// <param name="holds">What holds for a record, and for all before it.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public static async Task<ulong> FindLastAsync(
        LogPositions held,
        Func<ulong, IAsyncEnumerable<LogItem.Entry>> readAfter,
        Func<LogItem.Entry, bool> holds,
        CancellationToken cancellationToken)
    {
        var (low, high) = (held.First - 1, held.Last);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            var next = await readAfter(middle).FirstOrDefaultAsync(cancellationToken);
            if (next is not null && holds(next))
            {
                low = next.Position;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
