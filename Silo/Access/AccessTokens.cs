using System.Security.Cryptography;
using System.Text;
using ControlPlane.Api;
using ControlPlane.Configuration;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The bearer tokens in force. Thread-safe.</summary>
internal sealed partial class AccessTokens : ITokenAuthenticator
{
    private readonly ILogger<AccessTokens> _logger;
    private readonly WatchedFiles<IReadOnlyList<HeldToken>> _files;

    public AccessTokens(IOptions<ApiOptions> options, TimeProvider time, ILogger<AccessTokens> logger)
    {
        _logger = logger;
        var paths = options.Value.TokenFiles;
        Required = paths.Count > 0;
        _files = new(paths, () => Read(paths), time, Tell);
    }

    /// <summary>Whether requests need a token at all.</summary>
    public bool Required { get; }

    /// <summary>Who holds a token; null when nobody does.</summary>
    public string? HolderOf(string token)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(token));

        // Every token is compared, also after a match: the time that it takes tells nothing.
        string? holder = null;
        foreach (var held in _files.Current ?? [])
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

    private static FilesRead<IReadOnlyList<HeldToken>> Read(IEnumerable<string> paths)
    {
        var files = paths.Select(TokenFile.Read).ToList();
        return new([.. files.SelectMany(file => file.Tokens)], [.. files.SelectMany(file => file.Faults)]);
    }

    private void Tell(FilesRead<IReadOnlyList<HeldToken>> read)
    {
        if (read.Faults.Count > 0)
        {
            LogKept(string.Join("; ", read.Faults));
        }
        else
        {
            LogRead(read.Content!.Count);
        }
    }

    [LoggerMessage(LogLevel.Information, "Read {Tokens} access tokens")]
    private partial void LogRead(int tokens);

    [LoggerMessage(LogLevel.Error, "The access tokens changed and cannot be read; the last good ones stay in force: {Faults}")]
    private partial void LogKept(string faults);
}
