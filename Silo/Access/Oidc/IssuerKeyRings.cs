using System.Collections.Frozen;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Flow;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The keys of each provider: those whose access tokens are taken, and the one that <c>choria-login</c> signs in at.</summary>
internal sealed class IssuerKeyRings : IDisposable
{
    private const string OfSignerAlone = $"{ChoriaSigningOptions.Section}:{nameof(ChoriaSigningOptions.Oidc)}";

    private readonly FrozenDictionary<string, IssuerKeys> _byName;

    public IssuerKeyRings(
        IOptions<OidcOptions> options,
        IOptions<ChoriaSigningOptions> signing,
        KeptAnswers kept,
        TimeProvider time,
        ILogger<IssuerKeys> logger)
    {
        var issuers = new Dictionary<string, OidcIssuerOptions>(options.Value.Issuers, StringComparer.Ordinal);
        if (signing.Value.Oidc is { } signer)
        {
            // Where it is one of ours too, what is said of its claims and its CA is said there.
            OfSigner = issuers.FirstOrDefault(issuer => issuer.Value.Issuer == signer.Issuer).Key ?? OfSignerAlone;
            issuers.TryAdd(OfSigner, new OidcIssuerOptions { Issuer = signer.Issuer });
        }

        _byName = issuers.ToFrozenDictionary(
            issuer => issuer.Key, issuer => new IssuerKeys(issuer.Key, issuer.Value, options.Value.KeysGrace, kept, time, logger));
        Rounds = _byName.Count == 0 ? [] : [new Round("identity providers", options.Value.KeysRefresh, RefreshAsync, IsDueAtOnce: true)];
    }

    /// <summary>All providers are asked again at a period.</summary>
    public IReadOnlyList<Round> Rounds { get; }

    public IEnumerable<IssuerKeys> All => _byName.Values;

    /// <summary>The name of the provider that <c>choria-login</c> signs in at; null when there is none.</summary>
    public string? OfSigner { get; }

    public IssuerKeys Of(string name) => _byName[name];

    private Task RefreshAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_byName.Values.Select(keys => keys.RefreshAsync(cancellationToken)));

    public void Dispose()
    {
        foreach (var keys in _byName.Values)
        {
            keys.Dispose();
        }
    }
}
