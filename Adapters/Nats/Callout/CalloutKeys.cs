using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json.Serialization;
using NATS.NKeys;

namespace ControlPlane.Adapters.Nats.Callout;

/// <summary>
/// The keys of an auth callout (<c>auth_callout</c> of nats-server 2.10 and later, in a server that its configuration file gives its
/// accounts): reads what servers ask, and writes the answers that they believe. Thread-safe.
/// </summary>
public sealed class CalloutKeys : IDisposable
{
    /// <summary>The header of an encrypted request: the server's public encryption key.</summary>
    public const string XKeyHeader = "Nats-Server-Xkey";

    private const string RequestAudience = "nats-authorization-request";
    private const int NoLimit = -1;
    private const int FormatVersion = 2;

    private readonly KeyPair issuer;
    private readonly KeyPair? xkey;

    /// <param name="issuerSeed">Seed of the account key whose public half is <c>auth_callout.issuer</c>: SA….</param>
    /// <param name="xkeySeed">Seed of the key whose public half is <c>auth_callout.xkey</c>: SX…; null: nothing is encrypted.</param>
    /// <exception cref="NKeysException">One of them is no such seed; the message does not hold it.</exception>
    public CalloutKeys(string issuerSeed, string? xkeySeed = null)
    {
        issuer = ReadSeed(issuerSeed, PrefixByte.Account);
        xkey = xkeySeed is null ? null : ReadSeed(xkeySeed, PrefixByte.Curve);
    }

    /// <summary>What <c>auth_callout.issuer</c> has to be.</summary>
    public string Issuer => issuer.GetPublicKey();

    /// <summary>What <c>auth_callout.xkey</c> has to be; null: it must not be set.</summary>
    public string? XKey => xkey?.GetPublicKey();

    /// <summary>Reads a seed of one kind of key.</summary>
    /// <exception cref="NKeysException">It is none; the message does not hold it.</exception>
    public static KeyPair ReadSeed(string seed, PrefixByte purpose)
    {
        var pair = KeyPair.FromSeed(seed);
        if (pair.Prefix == purpose)
        {
            return pair;
        }

        pair.Dispose();
        throw new NKeysException($"it is the seed of a key of another kind: {purpose} is needed");
    }

    /// <summary>
    /// Reads what a server asks. Whether it has ended meanwhile is not looked at: that is told by the server's clock, and an answer is
    /// of use for this one question only.
    /// </summary>
    /// <param name="payload">The message.</param>
    /// <param name="serverXKey">Its header <see cref="XKeyHeader"/>; null without one.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="fault">Why it is not believed.</param>
    public bool TryRead(
        byte[] payload,
        string? serverXKey,
        [NotNullWhen(true)] out AuthorizationRequest? request,
        [NotNullWhen(false)] out string? fault)
    {
        ArgumentNullException.ThrowIfNull(payload);
        request = null;
        if ((fault = TryOpen(ref payload, serverXKey)) is not null
            || !NkeyToken.TryRead<AuthorizationRequest>(Encoding.ASCII.GetString(payload), PrefixByte.Server, out var claims, out fault))
        {
            return false;
        }

        fault = claims.Audience != RequestAudience ? $"its audience is not {RequestAudience}"
            : claims.Body is null || claims.Body.Server.Id != claims.Issuer ? "it is not signed by the server that it names"
            : claims.Body.Server.XKey != serverXKey ? "it is not encrypted by the key that it names"
            : null;
        request = fault is null ? claims.Body : null;
        return fault is null;
    }

    /// <summary>The answer that lets the connection in.</summary>
    public byte[] Admit(AuthorizationRequest request, UserGrant grant, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(grant);
        var user = new NkeyClaims<UserBody>(new UserBody(
            grant.Publish,
            grant.Subscribe,
            grant.Responses is { } answers
                ? new ResponseBody(answers.MessagesMax, answers.Duration.Ticks * TimeSpan.NanosecondsPerTick)
                : null,
            NoLimit,
            NoLimit,
            NoLimit,
            "user",
            FormatVersion))
        {
            Subject = request.UserNkey,
            Audience = grant.Account,
            Name = grant.Name,
            IssuedAtSeconds = now.ToUnixTimeSeconds(),
            ExpiresAtSeconds = grant.NotAfter?.ToUnixTimeSeconds(),
        };
        return Answer(request, NkeyToken.Write(user, issuer), error: null, now);
    }

    /// <summary>The answer that ends the connection. The reason is for the server's log: who connects is not told it.</summary>
    public byte[] Refuse(AuthorizationRequest request, string reason, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Answer(request, jwt: null, reason, now);
    }

    public void Dispose()
    {
        issuer.Dispose();
        xkey?.Dispose();
    }

    private string? TryOpen(ref byte[] payload, string? serverXKey)
    {
        if (serverXKey is null || xkey is null)
        {
            return serverXKey is not null ? "it is encrypted (auth_callout.xkey of the server), and no key to read it is configured"
                : xkey is not null ? "it is not encrypted, although a key for that is configured: set auth_callout.xkey of the server"
                : null;
        }

        try
        {
            payload = xkey.Open(payload, serverXKey);
            return null;
        }
        catch (NKeysException unreadable)
        {
            return $"it cannot be decrypted: {unreadable.Message}";
        }
    }

    private byte[] Answer(AuthorizationRequest request, string? jwt, string? error, DateTimeOffset now)
    {
        var response = new NkeyClaims<ResponseClaims>(new ResponseClaims(jwt, error, "authorization_response", FormatVersion))
        {
            Subject = request.UserNkey,
            Audience = request.Server.Id,
            IssuedAtSeconds = now.ToUnixTimeSeconds(),
        };
        var token = Encoding.ASCII.GetBytes(NkeyToken.Write(response, issuer));
        return request.Server.XKey is { } receiver && xkey is not null ? xkey.Seal(token, receiver) : token;
    }

    private sealed record UserBody(
        [property: JsonPropertyName("pub")] SubjectLists Publish,
        [property: JsonPropertyName("sub")] SubjectLists Subscribe,
        [property: JsonPropertyName("resp"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ResponseBody? Responses,
        [property: JsonPropertyName("subs")] int Subscriptions,
        [property: JsonPropertyName("data")] int Bytes,
        [property: JsonPropertyName("payload")] int PayloadBytes,
        [property: JsonPropertyName("type")] string Type,
        [property: JsonPropertyName("version")] int Version);

    private sealed record ResponseBody(
        [property: JsonPropertyName("max")] int MessagesMax, [property: JsonPropertyName("ttl")] long Nanoseconds);

    private sealed record ResponseClaims(
        [property: JsonPropertyName("jwt"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Jwt,
        [property: JsonPropertyName("error"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error,
        [property: JsonPropertyName("type")] string Type,
        [property: JsonPropertyName("version")] int Version);
}
