using ControlPlane.Certificates;
using StackExchange.Redis;

namespace ControlPlane.Adapters.Redis;

/// <summary>Who has which key, in Redis: a string for each key, of all issuers together. Thread-safe.</summary>
internal sealed class RedisKeyRegister(IConnectionMultiplexer redis, string scope) : IKeyRegister
{
    private const string Name = "the register of keys";
    private const string Revoked = "!revoked";

    // Longer than any certificate of it can live: after that the key is worth as much as a new one.
    private static readonly TimeSpan KeptFor = CertificateProfile.LifetimeMax + TimeSpan.FromDays(90);

    private IDatabase Database => redis.GetDatabase();

    public async Task<KeyClaim> ClaimAsync(string publicKeyFingerprint, string identity, CancellationToken cancellationToken)
    {
        var owner = await RedisFault.TranslateAsync(
            Name,
            () => Database.StringSetAndGetAsync(KeyOf(publicKeyFingerprint), identity, KeptFor, when: When.NotExists)
                .WaitAsync(cancellationToken));
        return owner.IsNull || owner == identity ? KeyClaim.Held : owner == Revoked ? KeyClaim.Revoked : KeyClaim.OfAnotherNode;
    }

    public Task RevokeAsync(string publicKeyFingerprint, CancellationToken cancellationToken) => RedisFault.TranslateAsync(
        Name, () => Database.StringSetAsync(KeyOf(publicKeyFingerprint), Revoked, KeptFor).WaitAsync(cancellationToken));

    private RedisKey KeyOf(string publicKeyFingerprint) => $"certificates:{Uri.EscapeDataString(scope)}:key:{publicKeyFingerprint}";
}
