using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using StackExchange.Redis;

namespace ControlPlane.Access;

/// <summary>
/// The sessions of people who signed in at the console, in Redis, each until its end. Thread-safe. Redis knows no session's id, and what
/// it keeps is sealed: whoever reads or writes there can neither take a session over nor make one.
/// </summary>
/// <remarks>
/// A session is at <c>sessions:{name}</c>, where the name is the hash of its id: who sees the name cannot make the id of it.
/// <c>session-names</c> has the names by their ends, so that sessions can be listed without a look at all that Redis keeps. A name is
/// there before its session: one that is there without a session means nothing, and goes at its end.
/// </remarks>
internal sealed class RedisSessions(IConnectionMultiplexer redis, IDataProtectionProvider protection, TimeProvider time) : ITicketStore
{
    private const int IdBytes = 32;
    private const string Names = "session-names";

    /// <summary>The length of an id: 256 random bits in base64url.</summary>
    public static readonly int IdLength = Base64Url.GetEncodedLength(IdBytes);

    private IDatabase Database => redis.GetDatabase();

    /// <summary>Keeps a session under a new id, which nobody knew before.</summary>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public async Task<string> StoreAsync(AuthenticationTicket ticket)
    {
        var id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(IdBytes));
        await RenewAsync(id, ticket);
        return id;
    }

    public async Task RenewAsync(string key, AuthenticationTicket ticket)
    {
        var now = time.GetUtcNow();
        var end = ticket.Properties.ExpiresUtc
            ?? throw new ArgumentException("must have an end: a session is not kept for ever", nameof(ticket));
        var name = NameOf(key);
        await ForgetEndedAsync(now);
        await Database.SortedSetAddAsync(Names, name, end.ToUnixTimeSeconds());
        await Database.StringSetAsync(
            PlaceOf(name), SealFor(PlaceOf(name)).Protect(TicketSerializer.Default.Serialize(ticket)), end - now);
    }

    /// <returns>Null for a session that has ended, or never was.</returns>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public Task<AuthenticationTicket?> RetrieveAsync(string key) => FindAsync(NameOf(key));

    public Task RemoveAsync(string key) => ForgetAsync(NameOf(key));

    /// <summary>Sessions that have not ended, by their names; each after the page before.</summary>
    /// <param name="after">The last name of the page before; null for the first page.</param>
    /// <param name="limit">How many at most.</param>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public async Task<SessionPage> ListAsync(string? after, int limit)
    {
        await ForgetEndedAsync(time.GetUtcNow());
        var left = (await Database.SortedSetRangeByRankAsync(Names)).Select(name => name.ToString())
            .Where(name => after is null || string.CompareOrdinal(name, after) > 0)
            .Order(StringComparer.Ordinal).ToList();
        var page = left.Take(limit).ToList();
        var found = await Task.WhenAll(page.Select(async name => (Name: name, Ticket: await FindAsync(name))));
        return new SessionPage(
            [.. found.Where(one => one.Ticket is not null).Select(one => ConsoleSession.Of(one.Name, one.Ticket!))],
            left.Count > limit ? page[^1] : null);
    }

    /// <summary>Ends a session at once, at all silos: who shows its cookie has shown nothing. Safe to repeat: there is none then.</summary>
    /// <returns>The session; null when there is none of that name.</returns>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public async Task<ConsoleSession?> EndAsync(string name)
    {
        if (await FindAsync(name) is not { } ticket)
        {
            return null;
        }

        await ForgetAsync(name);
        return ConsoleSession.Of(name, ticket);
    }

    private async Task<AuthenticationTicket?> FindAsync(string name)
    {
        var place = PlaceOf(name);
        if (await Database.StringGetAsync(place) is not { IsNull: false } kept)
        {
            return null;
        }

        try
        {
            var ticket = TicketSerializer.Default.Deserialize(SealFor(place).Unprotect((byte[])kept!));
            return ticket?.Properties.ExpiresUtc > time.GetUtcNow() ? ticket : null;
        }
        catch (CryptographicException)
        {
            // Sealed by a key that the site had before, or by nobody.
            return null;
        }
    }

    private async Task ForgetAsync(string name)
    {
        await Database.KeyDeleteAsync(PlaceOf(name));
        await Database.SortedSetRemoveAsync(Names, name);
    }

    private Task<long> ForgetEndedAsync(DateTimeOffset now) =>
        Database.SortedSetRemoveRangeByScoreAsync(Names, double.NegativeInfinity, now.ToUnixTimeSeconds());

    private static string NameOf(string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)));

    private static string PlaceOf(string name) => $"sessions:{name}";

    // Of its place, so that one session cannot be put where another was.
    private IDataProtector SealFor(string place) => protection.CreateProtector(nameof(RedisSessions)).CreateProtector(place);
}
