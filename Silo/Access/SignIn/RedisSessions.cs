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
internal sealed class RedisSessions(IConnectionMultiplexer redis, IDataProtectionProvider protection, TimeProvider time) : ITicketStore
{
    private const int IdBytes = 32;

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
        var left = ticket.Properties.ExpiresUtc - time.GetUtcNow()
            ?? throw new ArgumentException("must have an end: a session is not kept for ever", nameof(ticket));
        var place = PlaceOf(key);
        await Database.StringSetAsync(place, SealFor(place).Protect(TicketSerializer.Default.Serialize(ticket)), left);
    }

    /// <returns>Null for a session that has ended, or never was.</returns>
    /// <exception cref="RedisException">Redis does not answer.</exception>
    public async Task<AuthenticationTicket?> RetrieveAsync(string key)
    {
        var place = PlaceOf(key);
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

    public Task RemoveAsync(string key) => Database.KeyDeleteAsync(PlaceOf(key));

    private static string PlaceOf(string id) => $"sessions:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}";

    // Of its place, so that one session cannot be put where another was.
    private IDataProtector SealFor(string place) => protection.CreateProtector(nameof(RedisSessions)).CreateProtector(place);
}
