using System.Collections.Frozen;
using ControlPlane.Flow;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>The keys of each configured provider.</summary>
internal sealed class IssuerKeyRings : IDisposable
{
    private readonly FrozenDictionary<string, IssuerKeys> _byName;

    public IssuerKeyRings(IOptions<OidcOptions> options, TimeProvider time, ILogger<IssuerKeys> logger)
    {
        _byName = options.Value.Issuers.ToFrozenDictionary(
            issuer => issuer.Key, issuer => new IssuerKeys(issuer.Key, issuer.Value, options.Value.KeysGrace, time, logger));
        Rounds = _byName.Count == 0 ? [] : [new Round("identity providers", options.Value.KeysRefresh, RefreshAsync, IsDueAtOnce: true)];
    }

    /// <summary>All providers are asked again at a period.</summary>
    public IReadOnlyList<Round> Rounds { get; }

    public IEnumerable<IssuerKeys> All => _byName.Values;

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
