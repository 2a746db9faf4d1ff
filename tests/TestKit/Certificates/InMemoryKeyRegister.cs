using System.Collections.Concurrent;

namespace ControlPlane.Certificates;

/// <summary>Who has which key, in memory. Thread-safe.</summary>
public sealed class InMemoryKeyRegister : IKeyRegister
{
    private const string Revoked = "";

    private readonly ConcurrentDictionary<string, string> owners = new(StringComparer.Ordinal);

    public Task<KeyClaim> ClaimAsync(string publicKeyFingerprint, string identity, CancellationToken cancellationToken)
    {
        var owner = owners.GetOrAdd(publicKeyFingerprint, identity);
        return Task.FromResult(owner == identity ? KeyClaim.Held : owner == Revoked ? KeyClaim.Revoked : KeyClaim.OfAnotherNode);
    }

    public Task RevokeAsync(string publicKeyFingerprint, CancellationToken cancellationToken)
    {
        owners[publicKeyFingerprint] = Revoked;
        return Task.CompletedTask;
    }
}
