using System.Runtime.CompilerServices;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.Flow;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>The certificate ledger in Redis: a hash for each order, and for each state of an issuer a sorted set of its orders.</summary>
/// <remarks>All keys of an issuer carry one hash tag, so that a write is one script also where Redis is a cluster.</remarks>
internal sealed class RedisCertificateLedger(IConnectionMultiplexer redis, string scope, StoredMessages stored, TimeProvider time)
    : ICertificateLedger
{
    private const string Name = "the certificate ledger";
    private const string VersionField = "v";
    private const string EntryField = "d";
    private const int PageEntries = 250;

    // Closed orders are kept for questions until long after their certificate could have been of use to anyone.
    private static readonly TimeSpan Retention = TimeSpan.FromDays(90);

    // The sweep meets them every two seconds.
    private readonly RepeatPace unreadableOnes = new(TimeSpan.FromHours(1), mattersMax: 1024, time);

    private readonly LedgerKeys keys = new(scope);
    private readonly ChainStore chains = new(redis);
    private readonly LedgerWriter writer = new(redis);

    private IDatabase Database => redis.GetDatabase();

    public Task<LedgerEntry?> ReadAsync(string issuer, string orderId, CancellationToken cancellationToken) =>
        AskAsync(() => LoadAsync(issuer, orderId), cancellationToken);

    public Task<LedgerEntry?> TryWriteAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return RedisFault.TranslateAsync<LedgerEntry?>(Name, async () =>
        {
            var kept = entry.Certificate is { } certificate
                ? entry with
                {
                    Certificate = certificate with { ChainPem = await chains.KeepAsync(keys.TagOf(entry.Issuer), certificate.ChainPem) },
                }
                : entry;
            var now = time.GetUtcNow();
            var written = await writer.TryWriteAsync(
                keys, entry, JsonSerializer.SerializeToUtf8Bytes(kept with { Version = 0 }, LedgerJson.Plain.LedgerEntry),
                ExpiryOf(entry), now, now - CertificateProfile.LifetimeMax - Retention);
            return written ? entry with { Version = entry.Version + 1 } : null;
        });
    }

    public Task<IReadOnlyList<LedgerEntry>> ListAsync(
        string issuer, LedgerState state, LedgerPosition? after, int limit, CancellationToken cancellationToken) =>
        AskAsync<IReadOnlyList<LedgerEntry>>(async () =>
        {
            var found = new List<LedgerEntry>();
            while (true)
            {
                var index = await IndexAfterAsync(keys.Index(issuer, state), after, limit);
                found.AddRange(await LoadAllAsync(issuer, entry => entry.State == state, [.. index.Select(one => one.Element)]));

                // What moved on meanwhile, or cannot be read, must not end the list for whoever goes through it page by page.
                if (index.Length < limit || found.Count >= limit)
                {
                    return [.. found.Take(limit)];
                }

                after = new LedgerPosition(
                    DateTimeOffset.FromUnixTimeMilliseconds((long)index[^1].Score), index[^1].Element.ToString());
            }
        }, cancellationToken);

    public Task<LedgerEntry?> FindAsync(string issuer, string signer, string serialNumber, CancellationToken cancellationToken) =>
        AskAsync(async () =>
        {
            var orderId = await Database.StringGetAsync(keys.Serial(issuer, signer, serialNumber));
            var entry = orderId.IsNull ? null : await LoadAsync(issuer, orderId.ToString());
            return entry?.Certificate is { } certificate && certificate.Issuer == signer && certificate.SerialNumber == serialNumber
                ? entry
                : null;
        }, cancellationToken);

    public Task<IReadOnlyList<LedgerEntry>> ListOfNodeAsync(
        string issuer, string identity, int limit, CancellationToken cancellationToken) =>
        AskAsync(async () =>
        {
            var orderIds = await Database.SortedSetRangeByRankAsync(keys.Node(issuer, identity), 0, limit - 1, Order.Descending);
            return await LoadAllAsync(issuer, entry => entry.Identity == identity, orderIds);
        }, cancellationToken);

    public Task<(IReadOnlyList<LedgerRecord> Records, LedgerHead Head)> ReadOutboxAsync(
        string issuer, int shard, long after, int limit, CancellationToken cancellationToken) =>
        AskAsync(() => writer.ReadAsync(keys.Outbox(issuer, shard), keys.Head(issuer, shard), after, limit), cancellationToken);

    public Task TrimOutboxAsync(string issuer, int shard, long through, CancellationToken cancellationToken) => AskAsync(
        () => Database.StreamTrimByMinIdAsync(keys.Outbox(issuer, shard), $"{through + 1}-0"), cancellationToken);

    public Task<IReadOnlyDictionary<LedgerState, long>> CountAsync(string issuer, CancellationToken cancellationToken) =>
        AskAsync<IReadOnlyDictionary<LedgerState, long>>(async () =>
        {
            var counts = await Task.WhenAll(LedgerKeys.States.Select(state => Database.SortedSetLengthAsync(keys.Index(issuer, state))));
            return LedgerKeys.States.Zip(counts).ToDictionary(pair => pair.First, pair => pair.Second);
        }, cancellationToken);

    public async IAsyncEnumerable<LedgerEntry> ScanAsync(string issuer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // States only ever grow but for RevocationDue's delays: an order that moves while we look is met again, not missed.
        foreach (var state in LedgerKeys.States)
        {
            var orderIds = await AskAsync(() => Database.SortedSetRangeByRankAsync(keys.Index(issuer, state)), cancellationToken);
            foreach (var few in orderIds.Chunk(PageEntries))
            {
                foreach (var entry in await AskAsync(() => LoadAllAsync(issuer, entry => entry.State == state, few), cancellationToken))
                {
                    yield return entry;
                }
            }
        }
    }

    // Orders of one instant are in the order of their names; as many as came in one millisecond are skipped at most.
    private async Task<SortedSetEntry[]> IndexAfterAsync(RedisKey index, LedgerPosition? after, int limit)
    {
        if (after is null)
        {
            return await Database.SortedSetRangeByRankWithScoresAsync(index, 0, limit - 1);
        }

        var score = after.At.ToUnixTimeMilliseconds();
        var same = await Database.SortedSetRangeByScoreWithScoresAsync(index, score, score);
        var rest = same.Where(one => string.CompareOrdinal(one.Element.ToString(), after.OrderId) > 0).Take(limit).ToList();
        var later = await Database.SortedSetRangeByScoreWithScoresAsync(
            index, score, double.PositiveInfinity, Exclude.Start, Order.Ascending, 0, Math.Max(1, limit - rest.Count));
        return [.. rest.Concat(later).Take(limit)];
    }

    private async Task<IReadOnlyList<LedgerEntry>> LoadAllAsync(string issuer, Func<LedgerEntry, bool> belongs, RedisValue[] orderIds)
    {
        var entries = await Task.WhenAll(orderIds.Select(orderId => LoadOrLeaveOutAsync(issuer, orderId.ToString())));

        // What moved on between the index and the order is another state's; what is gone has outlived its retention.
        return [.. entries.OfType<LedgerEntry>().Where(belongs)];
    }

    // One that was not written by us must not keep the others from being revoked, compared or shown. By itself it is a fault.
    private async Task<LedgerEntry?> LoadOrLeaveOutAsync(string issuer, string orderId)
    {
        try
        {
            return await LoadAsync(issuer, orderId);
        }
        catch (Exception unreadable) when (RedisFault.IsForeign(unreadable))
        {
            var place = keys.Order(issuer, orderId).ToString();
            if (unreadableOnes.Admits(place))
            {
                stored.LeaveOut("order", place, unreadable.GetType().Name);
            }

            return null;
        }
    }

    private async Task<LedgerEntry?> LoadAsync(string issuer, string orderId)
    {
        var fields = await Database.HashGetAsync(keys.Order(issuer, orderId), [VersionField, EntryField]);
        if (fields[1].IsNull)
        {
            return null;
        }

        var read = JsonSerializer.Deserialize((byte[])fields[1]!, LedgerJson.Plain.LedgerEntry) ?? throw new JsonException("it is empty");
        var entry = read with { Version = (long)fields[0] };
        return entry.Certificate is { } certificate
            ? entry with { Certificate = certificate with { ChainPem = await chains.FetchAsync(keys.TagOf(issuer), certificate.ChainPem) } }
            : entry;
    }

    private static DateTimeOffset? ExpiryOf(LedgerEntry entry) => entry.State is LedgerState.Closed or LedgerState.Refused
        ? (entry.Certificate?.NotAfter ?? entry.CreatedAt) + Retention
        : null;

    private static Task<T> AskAsync<T>(Func<Task<T>> question, CancellationToken cancellationToken) =>
        RedisFault.TranslateAsync(Name, () => question().WaitAsync(cancellationToken));
}
