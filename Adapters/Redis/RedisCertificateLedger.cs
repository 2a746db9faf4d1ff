using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.Overlays;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>The ledger in Redis: a hash per order, and a sorted set per state of an issuer with the orders in it, oldest first.</summary>
/// <remarks>
/// Keys: <c>{overlay/ledger/issuer}/order/ID</c> and <c>{overlay/ledger/issuer}/state/STATE</c>. The braces keep all keys of an issuer
/// in one slot of a Redis cluster, so that one script may write them together.
/// </remarks>
internal sealed class RedisCertificateLedger(IConnectionMultiplexer redis, IOptions<OverlaysOptions> overlays) : ICertificateLedger
{
    private const int ScanPage = 500;

    // Compare the version, write the order, move it to its state's set: all or nothing. Answers 0 when another writer was first.
    private const string WriteScript = """
        local stored = redis.call('HGET', KEYS[1], 'version') or '0'
        if stored ~= ARGV[1] then return 0 end
        local before = redis.call('HGET', KEYS[1], 'state')
        redis.call('HSET', KEYS[1], 'version', ARGV[2], 'state', ARGV[3], 'entry', ARGV[4])
        if before and before ~= ARGV[3] then redis.call('ZREM', ARGV[7] .. before, ARGV[5]) end
        redis.call('ZADD', ARGV[7] .. ARGV[3], ARGV[6], ARGV[5])
        return 1
        """;

    private IDatabase Database => redis.GetDatabase();

    public async Task<LedgerEntry?> ReadAsync(string issuer, string orderId, CancellationToken cancellationToken)
    {
        var fields = await Database.HashGetAsync(OrderKey(issuer, orderId), ["entry", "version"]).WaitAsync(cancellationToken);
        return Parse(fields);
    }

    public async Task<LedgerEntry?> TryWriteAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        var next = entry with { Version = entry.Version + 1 };
        var written = await Database.ScriptEvaluateAsync(
            WriteScript,
            [OrderKey(entry.Issuer, entry.OrderId)],
            [
                entry.Version,
                next.Version,
                (int)entry.State,
                JsonSerializer.SerializeToUtf8Bytes(entry, LedgerJson.Default.LedgerEntry),
                entry.OrderId,
                entry.CreatedAt.ToUnixTimeMilliseconds(),
                StatePrefix(entry.Issuer),
            ]);

        // No token: a write that was sent may be stored, and its caller must learn that.
        cancellationToken.ThrowIfCancellationRequested();
        return (int)written == 1 ? next : null;
    }

    public async Task<IReadOnlyList<LedgerEntry>> ListAsync(
        string issuer, LedgerState state, int limit, CancellationToken cancellationToken)
    {
        var ids = await Database.SortedSetRangeByRankAsync(StateKey(issuer, state), 0, limit - 1).WaitAsync(cancellationToken);
        return await ReadAllAsync(issuer, ids, cancellationToken);
    }

    public async IAsyncEnumerable<LedgerEntry> ScanAsync(string issuer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var state in Enum.GetValues<LedgerState>())
        {
            await foreach (var page in Database.SortedSetScanAsync(StateKey(issuer, state), pageSize: ScanPage)
                .Select(member => member.Element).Chunk(ScanPage).WithCancellation(cancellationToken))
            {
                foreach (var entry in await ReadAllAsync(issuer, page, cancellationToken))
                {
                    yield return entry;
                }
            }
        }
    }

    private async Task<IReadOnlyList<LedgerEntry>> ReadAllAsync(
        string issuer, IReadOnlyList<RedisValue> ids, CancellationToken cancellationToken)
    {
        var reads = ids.Select(id => Database.HashGetAsync(OrderKey(issuer, id.ToString()), ["entry", "version"]));
        var found = await Task.WhenAll(reads).WaitAsync(cancellationToken);
        return [.. found.Select(Parse).OfType<LedgerEntry>()];
    }

    private static LedgerEntry? Parse(RedisValue[] fields) => fields is [{ IsNull: false } json, { IsNull: false } version]
        && JsonSerializer.Deserialize((byte[])json!, LedgerJson.Default.LedgerEntry) is { } entry
            ? entry with { Version = (long)version }
            : null;

    private string Prefix(string issuer) => $"{{{overlays.Value.Local}/ledger/{issuer}}}";

    private RedisKey OrderKey(string issuer, string orderId) => $"{Prefix(issuer)}/order/{orderId}";

    private string StatePrefix(string issuer) => $"{Prefix(issuer)}/state/";

    private RedisKey StateKey(string issuer, LedgerState state) =>
        StatePrefix(issuer) + ((int)state).ToString(CultureInfo.InvariantCulture);
}
