using System.Security.Cryptography;
using System.Text.Json;
using ControlPlane.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.IdentityModel.Protocols;

namespace ControlPlane.Access;

/// <summary>
/// The last answers of identity providers, on the site's brokers: a silo that starts while a provider is away goes on with them.
/// Thread-safe.
/// </summary>
/// <remarks>
/// Sealed by the site's key, each for its provider: whoever can write to the brokers can neither plant a key nor make an answer younger.
/// They can put an older answer back, which ends by its own time and is looked at by silos without usable keys alone.
/// </remarks>
internal sealed partial class KeptAnswers(IRegister register, SiteDataProtection seals, ILogger<KeptAnswers> logger)
{
    private const string Area = "identity-providers";

    private readonly IDataProtector _seal = seals.CreateProtector("answers of identity providers");

    /// <summary>Keeps what a provider answered. Where that cannot be done, the next answer is kept.</summary>
    public async Task KeepAsync(string issuer, IssuerDocuments answer, CancellationToken cancellationToken)
    {
        try
        {
            var content = _seal.CreateProtector(issuer).Protect(JsonSerializer.SerializeToUtf8Bytes(answer));
            await register.WriteAsync(Area, issuer, content, expected: null, cancellationToken);
        }
        catch (Exception refused) when (refused is StoreUnavailableException or ArgumentException)
        {
            LogNotKept(issuer, refused.Message);
        }
    }

    /// <summary>What a provider answered last; null when nothing is kept, or it cannot be had now.</summary>
    public async Task<IssuerDocuments?> FindAsync(string issuer, CancellationToken cancellationToken)
    {
        try
        {
            return await register.FindAsync(Area, issuer, cancellationToken) is { } kept
                ? JsonSerializer.Deserialize<IssuerDocuments>(_seal.CreateProtector(issuer).Unprotect(kept.Content.ToArray()))
                : null;
        }
        catch (StoreUnavailableException away)
        {
            LogNotRead(issuer, away.Message);
        }
        catch (Exception foreign) when (foreign is CryptographicException or JsonException)
        {
            LogNotRead(issuer, "it was not sealed by a key of this site, or for another provider");
        }

        return null;
    }

    [LoggerMessage(LogLevel.Warning, "The answer of the identity provider {Issuer} is not kept for silos that start: {Fault}")]
    private partial void LogNotKept(string issuer, string fault);

    [LoggerMessage(LogLevel.Warning, "The kept answer of the identity provider {Issuer} is not used: {Fault}")]
    private partial void LogNotRead(string issuer, string fault);
}

/// <summary>What a provider answered: its documents, by their addresses.</summary>
/// <param name="At">When.</param>
/// <param name="Texts">The documents.</param>
internal sealed record IssuerDocuments(DateTimeOffset At, Dictionary<string, string> Texts) : IDocumentRetriever
{
    public Task<string> GetDocumentAsync(string address, CancellationToken cancel) => Texts.TryGetValue(address, out var text)
        ? Task.FromResult(text)
        : throw new InvalidOperationException($"no document of {address} is kept");
}

/// <summary>Asks a provider, and remembers what it answered.</summary>
internal sealed class AskedDocuments(IDocumentRetriever provider) : IDocumentRetriever
{
    public Dictionary<string, string> Texts { get; } = new(StringComparer.Ordinal);

    public async Task<string> GetDocumentAsync(string address, CancellationToken cancel) =>
        Texts[address] = await provider.GetDocumentAsync(address, cancel);
}
