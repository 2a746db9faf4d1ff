using System.Security.Cryptography;
using System.Text;
using ControlPlane.Api;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The bearer tokens in force. Thread-safe.</summary>
/// <remarks>
/// The files are looked at again when a request comes and the last look is old, rather than watched: a watch misses the symbolic
/// links that Kubernetes swaps.
/// </remarks>
internal sealed partial class AccessTokens(IOptions<ApiOptions> options, TimeProvider time, ILogger<AccessTokens> logger)
    : ITokenAuthenticator
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _looking = new();
    private volatile Snapshot? _current;

    /// <summary>Whether requests need a token at all.</summary>
    public bool Required => options.Value.TokenFiles.Count > 0;

    /// <summary>Who holds a token; null when nobody does.</summary>
    public string? HolderOf(string token)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(token));

        // Every token is compared, also after a match: the time that it takes tells nothing.
        string? holder = null;
        foreach (var held in Current().Tokens)
        {
            if (CryptographicOperations.FixedTimeEquals(held.Digest, digest))
            {
                holder = held.Holder;
            }
        }

        return holder;
    }

    public ValueTask<Caller?> AuthenticateAsync(string token, CancellationToken cancellationToken) =>
        new(HolderOf(token) is { } holder ? new Caller { Principal = holder, Method = CallerMethod.AccessToken } : null);

    private Snapshot Current()
    {
        var now = time.GetTimestamp();
        if (_current is { } fresh && time.GetElapsedTime(fresh.LookedAt, now) < LookInterval)
        {
            return fresh;
        }

        lock (_looking)
        {
            var stamps = options.Value.TokenFiles.Select(Stamp).ToList();
            var last = _current;
            var next = last is not null && last.Stamps.SequenceEqual(stamps) ? last with { LookedAt = now } : Read(last, stamps, now);
            _current = next;
            return next;
        }
    }

    private Snapshot Read(Snapshot? last, List<(DateTime, long)> stamps, long now)
    {
        var files = options.Value.TokenFiles.Select(TokenFile.Read).ToList();
        var faults = files.SelectMany(file => file.Faults).ToList();
        if (faults.Count > 0 && last is not null)
        {
            LogKept(string.Join("; ", faults));
            return last with { Stamps = stamps, LookedAt = now };
        }

        var tokens = files.SelectMany(file => file.Tokens).ToList();
        LogRead(tokens.Count);
        return new Snapshot(tokens, stamps, now);
    }

    private static (DateTime, long) Stamp(string path)
    {
        var file = new FileInfo(path);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private sealed record Snapshot(IReadOnlyList<HeldToken> Tokens, IReadOnlyList<(DateTime, long)> Stamps, long LookedAt);

    [LoggerMessage(LogLevel.Information, "Read {Tokens} access tokens")]
    private partial void LogRead(int tokens);

    [LoggerMessage(LogLevel.Error, "The access tokens changed and cannot be read; the last good ones stay in force: {Faults}")]
    private partial void LogKept(string faults);
}
