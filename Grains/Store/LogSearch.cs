namespace ControlPlane.Store;

/// <summary>Finds places in logs.</summary>
internal static class LogSearch
{
    /// <summary>
    /// The position of a topic's last record for which something holds that holds for all before it; 0 when it holds for none. Topics share
    /// the log, so that it is looked for by halves.
    /// </summary>
    public static async Task<ulong> FindLastAsync(
        this ILog log, string topic, Func<LogItem.Entry, bool> holds, CancellationToken cancellationToken)
    {
        var held = await log.GetPositionsAsync(cancellationToken);
        var (low, high) = (held.First - 1, held.Last);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            var next = await log.ReadAsync(topic, middle, cancellationToken).OfType<LogItem.Entry>().FirstOrDefaultAsync(cancellationToken);
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
