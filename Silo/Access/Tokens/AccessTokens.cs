using System.Security.Cryptography;
using System.Text;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Configuration;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The bearer tokens in force. Thread-safe.</summary>
internal sealed partial class AccessTokens
{
    /// <summary>How long before its end a token is warned of.</summary>
    public static readonly TimeSpan WarnedBefore = TimeSpan.FromDays(14);

    private readonly TimeProvider _time;
    private readonly ILogger<AccessTokens> _logger;
    private readonly WatchedFiles<IReadOnlyList<HeldToken>> _tokens;

    public AccessTokens(IOptions<TokensOptions> options, TimeProvider time, ILogger<AccessTokens> logger)
    {
        (_time, _logger) = (time, logger);
        _tokens = new(options.Value.Files, () => Read(options.Value.Files), time, Tell);
    }

    /// <summary>Who holds a token; null when nobody does, or it has ended.</summary>
    public HeldToken? HolderOf(string token)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(token));

        // Every token is compared, also after a match: the time that it takes tells nothing.
        HeldToken? found = null;
        foreach (var held in _tokens.Current ?? [])
        {
            if (CryptographicOperations.FixedTimeEquals(held.Digest, digest))
            {
                found = held;
            }
        }

        if (found?.ExpiresAt <= _time.GetUtcNow())
        {
            LogEnded(found.Place, found.Holder, found.Id, found.ExpiresAt);
            return null;
        }

        return found;
    }

    /// <summary>The tokens that have ended or end soon.</summary>
    public IReadOnlyList<HeldToken> Ending() =>
        [.. (_tokens.Current ?? []).Where(held => held.ExpiresAt <= _time.GetUtcNow() + WarnedBefore)];

    private static FilesRead<IReadOnlyList<HeldToken>> Read(List<string> paths)
    {
        var files = paths.Select(TokenFile.Read).ToList();
        return new([.. files.SelectMany(file => file.Tokens)], [.. files.SelectMany(file => file.Faults)]);
    }

    private void Tell(FilesRead<IReadOnlyList<HeldToken>> read)
    {
        if (read.Faults.Count > 0)
        {
            LogKept(string.Join("; ", read.Faults));
            return;
        }

        LogRead(read.Content!.Count);
        foreach (var ending in read.Content.Where(held => held.ExpiresAt <= _time.GetUtcNow() + WarnedBefore))
        {
            LogEnds(ending.Place, ending.Holder, ending.Id, ending.ExpiresAt);
        }
    }

    [LoggerMessage(LogLevel.Information, "Read {Tokens} access tokens")]
    private partial void LogRead(int tokens);

    [LoggerMessage(LogLevel.Warning, "{Place}: the token {Id} of {Holder} ends at {End}; make another before")]
    private partial void LogEnds(string place, string holder, string id, DateTimeOffset? end);

    [LoggerMessage(LogLevel.Warning, "{Place}: the token {Id} of {Holder} was used, and has ended at {End}")]
    private partial void LogEnded(string place, string holder, string id, DateTimeOffset? end);

    [LoggerMessage(LogLevel.Error, "The access tokens changed and cannot be read; the last good ones stay in force: {Faults}")]
    private partial void LogKept(string faults);
}
