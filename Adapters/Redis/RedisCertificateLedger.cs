using System.Runtime.CompilerServices;
using System.Text.Json;
using ControlPlane.Certificates;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>The certificate ledger in Redis: a hash for each order, and for each state of an issuer a sorted set of its orders.</summary>
/// <remarks>All keys of an issuer carry one hash tag, so that a write is one script also where Redis is a cluster.</remarks>
internal sealed class RedisCertificateLedger(IConnectionMultiplexer redis, string scope, TimeProvider time) : ICertificateLedger
{
    private const string VersionField = "v";
    private const string EntryField = "d";
    private const int PageEntries = 250;

    // Closed orders are kept for questions until long after their certificate could have been of use to anyone.
    private static readonly TimeSpan Retention = TimeSpan.FromDays(90);

    // The new version, or 0 when the stored one is another than expected. KEYS: the order, then the index of each state.
    // ARGV: expected version, entry, state, score, order id, instant of expiry (0: none), score up to which the index is dropped.
    private const string WriteScript = """
        local stored = redis.call('HMGET', KEYS[1], 'v', 's')
        local version = tonumber(stored[1] or 0)
        if version ~= tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[1], 'v', version + 1, 's', ARGV[3], 'd', ARGV[2])
        if stored[2] and stored[2] ~= ARGV[3] then redis.call('ZREM', KEYS[1 + tonumber(stored[2])], ARGV[5]) end
        redis.call('ZADD', KEYS[1 + tonumber(ARGV[3])], ARGV[4], ARGV[5])
        if ARGV[6] == '0' then redis.call('PERSIST', KEYS[1]) else
          redis.call('PEXPIREAT', KEYS[1], ARGV[6])
          redis.call('ZREMRANGEBYSCORE', KEYS[1 + tonumber(ARGV[3])], '-inf', '(' .. ARGV[7])
        end
        return version + 1
        """;

    private static readonly LedgerState[] States = Enum.GetValues<LedgerState>();

    private readonly ChainStore chains = new(redis);

    private IDatabase Database => redis.GetDatabase();

    public async Task<LedgerEntry?> ReadAsync(string issuer, string orderId, CancellationToken cancellationToken)
    {
        try
        {
            return await LoadAsync(issuer, orderId).WaitAsync(cancellationToken);
        }
        catch (RedisException away)
        {
            throw Unavailable(away);
        }
    }

    public async Task<LedgerEntry?> TryWriteAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            var stored = entry.Certificate is { } certificate
                ? entry with { Certificate = certificate with { ChainPem = await chains.KeepAsync(TagOf(entry.Issuer), certificate.ChainPem) } }
                : entry;
            var version = (long)await Database.ScriptEvaluateAsync(
                WriteScript,
                [EntryKey(entry.Issuer, entry.OrderId), .. States.Select(state => IndexKey(entry.Issuer, state))],
                [
                    entry.Version,
                    JsonSerializer.SerializeToUtf8Bytes(stored with { Version = 0 }, LedgerJson.Default.LedgerEntry),
                    (int)entry.State,
                    (entry.RevocationDueAt ?? entry.CreatedAt).ToUnixTimeMilliseconds(),
                    entry.OrderId,
                    ExpiryOf(entry)?.ToUnixTimeMilliseconds() ?? 0,
                    (time.GetUtcNow() - CertificateProfile.LifetimeMax - Retention).ToUnixTimeMilliseconds(),
                ]);
            return version == 0 ? null : entry with { Version = version };
        }
        catch (RedisException away)
        {
            throw Unavailable(away);
        }
    }

    public async Task<IReadOnlyList<LedgerEntry>> ListAsync(
        string issuer, LedgerState state, int limit, CancellationToken cancellationToken)
    {
        try
        {
            var orderIds = await Database.SortedSetRangeByRankAsync(IndexKey(issuer, state), 0, limit - 1).WaitAsync(cancellationToken);
            return await LoadAllAsync(issuer, state, orderIds, cancellationToken);
        }
        catch (RedisException away)
        {
            throw Unavailable(away);
        }
    }

    public async Task<IReadOnlyDictionary<LedgerState, long>> CountAsync(string issuer, CancellationToken cancellationToken)
    {
        try
        {
            var counts = await Task.WhenAll(States.Select(state => Database.SortedSetLengthAsync(IndexKey(issuer, state))))
                .WaitAsync(cancellationToken);
            return States.Zip(counts).ToDictionary(pair => pair.First, pair => pair.Second);
        }
        catch (RedisException away)
        {
            throw Unavailable(away);
        }
    }

    public async IAsyncEnumerable<LedgerEntry> ScanAsync(string issuer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // States only ever grow but for RevocationDue's delays: an order that moves while we look is met again, not missed.
        foreach (var state in States)
        {
            await foreach (var page in PagesAsync(issuer, state, cancellationToken))
            {
                foreach (var entry in page)
                {
                    yield return entry;
                }
            }
        }
    }

    private async IAsyncEnumerable<IReadOnlyList<LedgerEntry>> PagesAsync(
        string issuer, LedgerState state, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var orderIds in (await AllAsync(issuer, state, cancellationToken)).Chunk(PageEntries))
        {
            IReadOnlyList<LedgerEntry> page;
            try
            {
                page = await LoadAllAsync(issuer, state, orderIds, cancellationToken);
            }
            catch (RedisException away)
            {
                throw Unavailable(away);
            }

            yield return page;
        }
    }

    private async Task<RedisValue[]> AllAsync(string issuer, LedgerState state, CancellationToken cancellationToken)
    {
        try
        {
            return await Database.SortedSetRangeByRankAsync(IndexKey(issuer, state)).WaitAsync(cancellationToken);
        }
        catch (RedisException away)
        {
            throw Unavailable(away);
        }
    }

    private async Task<IReadOnlyList<LedgerEntry>> LoadAllAsync(
        string issuer, LedgerState state, RedisValue[] orderIds, CancellationToken cancellationToken)
    {
        var entries = await Task.WhenAll(orderIds.Select(orderId => LoadAsync(issuer, orderId.ToString()))).WaitAsync(cancellationToken);

        // What moved on between the index and the order is another state's; what is gone has outlived its retention.
        return [.. entries.OfType<LedgerEntry>().Where(entry => entry.State == state)];
    }

    private async Task<LedgerEntry?> LoadAsync(string issuer, string orderId)
    {
        var fields = await Database.HashGetAsync(EntryKey(issuer, orderId), [VersionField, EntryField]);
        if (fields[1].IsNull)
        {
            return null;
        }

        var entry = JsonSerializer.Deserialize((byte[])fields[1]!, LedgerJson.Default.LedgerEntry)! with { Version = (long)fields[0] };
        return entry.Certificate is { } certificate
            ? entry with { Certificate = certificate with { ChainPem = await chains.FetchAsync(TagOf(issuer), certificate.ChainPem) } }
            : entry;
    }

    private static DateTimeOffset? ExpiryOf(LedgerEntry entry) => entry.State is LedgerState.Closed or LedgerState.Refused
        ? (entry.Certificate?.NotAfter ?? entry.CreatedAt) + Retention
        : null;

    private RedisKey EntryKey(string issuer, string orderId) => $"{TagOf(issuer)}:order:{orderId}";

    private RedisKey IndexKey(string issuer, LedgerState state) => $"{TagOf(issuer)}:state:{(int)state}";

    // Escaped, since a brace in a name would move the hash tag.
    private string TagOf(string issuer) => $"certificates:{{{Uri.EscapeDataString(scope)}/{Uri.EscapeDataString(issuer)}}}";

    private static LedgerUnavailableException Unavailable(RedisException fault) =>
        new($"the certificate ledger did not answer: {fault.GetType().Name}", fault);
}
