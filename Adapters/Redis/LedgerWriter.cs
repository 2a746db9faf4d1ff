using System.Collections.Concurrent;
using ControlPlane.Certificates;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>Writes an order, its indexes and its history record, which waits for the log, in one script, or none. Thread-safe.</summary>
/// <remarks>
/// A record holds the hash of the one before it, so that the writes of a shard go one after the other: on a silo by their turn, between
/// silos by comparing heads. A shard has one issuance grain, so that the heads are rarely found to differ.
/// </remarks>
internal sealed class LedgerWriter(IConnectionMultiplexer redis)
{
    // Another silo's write comes between ours only while a shard moves; the sweep adds a few.
    private const int HeadsMax = 32;

    private const string SequenceField = "n";
    private const string HashField = "h";
    private const string BodyField = "d";

    // 1 when written, 0 when the stored version is another than expected, 3 when the outbox is full, otherwise the head that the history
    // has instead. KEYS: order, index of each of the six states, node, serial, outbox, head.
    // ARGV: 1 expected version, 2 entry, 3 state, 4 score, 5 order id, 6 instant of expiry (0: none), 7 score up to which the index is
    // dropped, 8 score for the node's list, 9 milliseconds that node and serial are kept, 10 whether there is a certificate,
    // 11 sequence and 12 hash of the head that the record follows, 13 hash and 14 body of the record, 15 records that may wait.
    // The record first: a script that fails, as XADD does where the stream has gone ahead of its head, takes nothing back.
    private const string WriteScript = """
        local stored = redis.call('HMGET', KEYS[1], 'v', 's')
        local version = tonumber(stored[1] or 0)
        if version ~= tonumber(ARGV[1]) then return {0} end
        local head = redis.call('HMGET', KEYS[11], 'n', 'h')
        if (head[1] or '0') ~= ARGV[11] or (head[2] or '') ~= ARGV[12] then return {2, head[1] or '0', head[2] or ''} end
        if redis.call('XLEN', KEYS[10]) >= tonumber(ARGV[15]) then return {3} end
        local sequence = string.format('%.0f', tonumber(ARGV[11]) + 1)
        redis.call('XADD', KEYS[10], sequence .. '-0', 'h', ARGV[13], 'd', ARGV[14])
        redis.call('HSET', KEYS[11], 'n', sequence, 'h', ARGV[13])
        redis.call('HSET', KEYS[1], 'v', version + 1, 's', ARGV[3], 'd', ARGV[2])
        if stored[2] and stored[2] ~= ARGV[3] then redis.call('ZREM', KEYS[1 + tonumber(stored[2])], ARGV[5]) end
        redis.call('ZADD', KEYS[1 + tonumber(ARGV[3])], ARGV[4], ARGV[5])
        if ARGV[6] ~= '0' then
          redis.call('PEXPIREAT', KEYS[1], ARGV[6])
          redis.call('ZREMRANGEBYSCORE', KEYS[1 + tonumber(ARGV[3])], '-inf', '(' .. ARGV[7])
        end
        if version == 0 then
          redis.call('ZADD', KEYS[8], ARGV[8], ARGV[5])
          redis.call('PEXPIRE', KEYS[8], ARGV[9])
          redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', '(' .. ARGV[7])
        end
        if ARGV[10] == '1' then redis.call('SET', KEYS[9], ARGV[5], 'PX', ARGV[9]) end
        return {1}
        """;

    private static readonly long KeptFor = (long)(CertificateProfile.LifetimeMax + TimeSpan.FromDays(90)).TotalMilliseconds;

    private readonly ConcurrentDictionary<(string Issuer, int Shard), Turn> turns = new();

    private IDatabase Database => redis.GetDatabase();

    /// <summary>False when another writer was first.</summary>
    public async Task<bool> TryWriteAsync(
        LedgerKeys keys, LedgerEntry entry, byte[] stored, DateTimeOffset? expiresAt, DateTimeOffset now, DateTimeOffset forgetBefore)
    {
        var turn = turns.GetOrAdd((entry.Issuer, entry.Shard), _ => new Turn());
        await turn.Mine.WaitAsync();
        try
        {
            for (var heads = 0; heads < HeadsMax; heads++)
            {
                var record = LedgerChain.Next(turn.Head, entry, now);
                var answer = (RedisResult[])(await Database.ScriptEvaluateAsync(
                    WriteScript, KeysOf(keys, entry), ArgumentsOf(entry, stored, expiresAt, forgetBefore, turn.Head, record)))!;
                switch ((int)answer[0])
                {
                    case 0:
                        return false;
                    case 1:
                        turn.Head = new LedgerHead(record.Sequence, record.Hash);
                        return true;
                    case 3:
                        throw new LedgerUnavailableException(
                            $"the outbox of shard {entry.Shard} of {entry.Issuer} is full: its records wait for the log of certificates, which "
                            + "takes none; see the brokers of this overlay");
                    default:
                        turn.Head = new LedgerHead((long)answer[1], (string)answer[2]!);
                        break;
                }
            }

            throw new LedgerUnavailableException(
                $"the history of shard {entry.Shard} of {entry.Issuer} is being written by others all the time");
        }
        finally
        {
            turn.Mine.Release();
        }
    }

    /// <summary>A shard's records that wait, after a sequence, and its head.</summary>
    public async Task<(
        IReadOnlyList<LedgerRecord> Records, LedgerHead Head)> ReadAsync(RedisKey outbox, RedisKey head, long after, int limit)
    {
        // The head first: records that are written in between are beyond it, not missing from it.
        var stored = await Database.HashGetAsync(head, [SequenceField, HashField]);
        var entries = limit == 0 ? [] : await Database.StreamRangeAsync(outbox, $"{after + 1}-0", "+", limit);
        var records = entries.Select(entry => new LedgerRecord(
            long.Parse(entry.Id.ToString().Split('-')[0], System.Globalization.CultureInfo.InvariantCulture),
            entry[HashField].ToString(),
            entry[BodyField].ToString()));
        return ([.. records], stored[0].IsNull ? LedgerHead.None : new LedgerHead((long)stored[0], stored[1].ToString()));
    }

    private static RedisKey[] KeysOf(LedgerKeys keys, LedgerEntry entry) =>
    [
        keys.Order(entry.Issuer, entry.OrderId),
        .. LedgerKeys.States.Select(state => keys.Index(entry.Issuer, state)),
        keys.Node(entry.Issuer, entry.Identity),
        keys.Serial(entry.Issuer, entry.Certificate?.Issuer ?? "", entry.Certificate?.SerialNumber ?? ""),
        keys.Outbox(entry.Issuer, entry.Shard),
        keys.Head(entry.Issuer, entry.Shard),
    ];

    private static RedisValue[] ArgumentsOf(
        LedgerEntry entry, byte[] stored, DateTimeOffset? expiresAt, DateTimeOffset forgetBefore, LedgerHead head, LedgerRecord record) =>
    [
        entry.Version,
        stored,
        (int)entry.State,
        entry.Position.At.ToUnixTimeMilliseconds(),
        entry.OrderId,
        expiresAt?.ToUnixTimeMilliseconds() ?? 0,
        forgetBefore.ToUnixTimeMilliseconds(),
        entry.CreatedAt.ToUnixTimeMilliseconds(),
        KeptFor,
        entry.Certificate is null ? 0 : 1,
        head.Sequence,
        head.Hash,
        record.Hash,
        record.Body,
        entry.Version == 0 ? LedgerChain.OutboxMax - LedgerChain.OutboxReserve : LedgerChain.OutboxMax,
    ];

    /// <summary>
    /// Whose turn it is to write a shard's history, and the head as we know it. A write that failed leaves an old one; the script says so.
    /// </summary>
    private sealed class Turn
    {
        public SemaphoreSlim Mine { get; } = new(1, 1);

        public LedgerHead Head { get; set; } = LedgerHead.None;
    }
}
