using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ControlPlane.Access;

/// <summary>
/// Seals callers with a key that only the silos of a site have, and opens what any of them sealed. What bears the seal was sent by one of
/// them: a client at the gateway can name any grain as the sender of its message, and write anything into its context. Thread-safe.
/// </summary>
/// <remarks>
/// <c>base64url(JSON of caller and time).base64url(HMAC-SHA256)</c>. It is good for <see cref="Lifetime"/>, which clocks that differ
/// and calls that wait stay within; each call is sealed anew.
/// </remarks>
public sealed class CallerSeal
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Renewal = TimeSpan.FromMinutes(1);

    /// <summary>Seals of the system that are remembered: one a minute from each silo, for as long as they are good.</summary>
    private const int RememberedMax = 1_024;

    private readonly IReadOnlyList<byte[]> macKeys;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<string, DateTimeOffset> verified = new(StringComparer.Ordinal);
    private volatile Known? system;

    /// <param name="siteKeys">
    /// The secrets that the silos of the site share, each at least 32 bytes: the first seals. There are several while one replaces another,
    /// since silos restart one by one.
    /// </param>
    /// <param name="time">The clock.</param>
    public CallerSeal(IReadOnlyList<byte[]> siteKeys, TimeProvider time)
    {
        if (siteKeys.Count == 0 || siteKeys.Any(key => key.Length < HMACSHA256.HashSizeInBytes))
        {
            throw new ArgumentException($"must be one or more, each of at least {HMACSHA256.HashSizeInBytes} bytes", nameof(siteKeys));
        }

        // Keys of its own: the site's key has other uses.
        macKeys = [.. siteKeys.Select(key => HKDF.DeriveKey(
            HashAlgorithmName.SHA256, key, HMACSHA256.HashSizeInBytes, info: "controlplane caller"u8.ToArray()))];
        this.time = time;
    }

    public string Seal(Caller caller) => ReferenceEquals(caller, Caller.System) ? SealSystem() : Seal(caller, time.GetUtcNow());

    /// <returns>The caller; null for what no silo of this site sealed lately.</returns>
    public Caller? OpenOrNull(string sealedCaller)
    {
        // Nearly all calls are those of grains, and bear the same seal of their silo for a minute: it is verified once.
        if (verified.TryGetValue(sealedCaller, out var at) && IsGood(at))
        {
            return Caller.System;
        }

        if (sealedCaller.Split('.') is not [var body, var mac]
            || !TryDecode(body, out var bytes) || !TryDecode(mac, out var given)
            || !macKeys.Any(key => CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(key, bytes), given)))
        {
            return null;
        }

        var content = JsonSerializer.Deserialize(bytes, SealJson.Default.SealedCaller);
        if (content is null || !IsGood(content.At))
        {
            return null;
        }

        if (content.Caller.Method != CallerMethod.System)
        {
            return content.Caller;
        }

        if (verified.Count >= RememberedMax)
        {
            verified.Clear();
        }

        verified[sealedCaller] = content.At;
        return Caller.System;
    }

    private bool IsGood(DateTimeOffset at) => (time.GetUtcNow() - at).Duration() <= Lifetime;

    private string SealSystem()
    {
        var now = time.GetUtcNow();
        if (system is not { } known || (now - known.At).Duration() > Renewal)
        {
            system = known = new Known(now, Seal(Caller.System, now));
        }

        return known.Text;
    }

    private string Seal(Caller caller, DateTimeOffset now)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new SealedCaller(now, caller), SealJson.Default.SealedCaller);
        return $"{Base64Url.EncodeToString(body)}.{Base64Url.EncodeToString(HMACSHA256.HashData(macKeys[0], body))}";
    }

    private static bool TryDecode(string text, out byte[] bytes)
    {
        var isValid = Base64Url.IsValid(text);
        bytes = isValid ? Base64Url.DecodeFromChars(text) : [];
        return isValid;
    }

    private sealed record Known(DateTimeOffset At, string Text);
}

internal sealed record SealedCaller(DateTimeOffset At, Caller Caller);

[JsonSerializable(typeof(SealedCaller))]
internal sealed partial class SealJson : JsonSerializerContext;
