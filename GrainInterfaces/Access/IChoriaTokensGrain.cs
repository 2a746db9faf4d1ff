using Orleans.Concurrency;

namespace ControlPlane.Access;

/// <summary>The Choria user tokens that this site knows of: those that it gave out, and others that it signed requests for.</summary>
/// <remarks>Key: 0.</remarks>
[Alias("ControlPlane.IChoriaTokensGrain")]
public interface IChoriaTokensGrain : IGrainWithIntegerKey
{
    /// <summary>Tokens of one page.</summary>
    public const int PageMax = 1000;

    /// <summary>Tokens that have not ended, revoked ones among them; each after the page before.</summary>
    /// <param name="after">The place of the last token of the page before; null for the first page.</param>
    /// <param name="limit">How many at most, 1 to <see cref="PageMax"/>.</param>
    [Alias("List"), AlwaysInterleave, Requires(Permissions.AccessTokensRead)]
    Task<ChoriaTokenPage> List(ChoriaTokenPlace? after, int limit);

    /// <summary>Signs for a token no more, from the answer on. Safe to repeat: the first revocation stands.</summary>
    /// <returns>The token; null when none of that id is known, or it has ended.</returns>
    [Alias("Revoke"), AlwaysInterleave, Requires(Permissions.AccessTokensRevoke)]
    Task<ChoriaUserToken?> Revoke(string id, string reason);
}

/// <param name="Id">Its <c>jti</c>.</param>
/// <param name="CallerId">The caller that requests name, and nodes see.</param>
/// <param name="Principal">Who that is to our policy.</param>
/// <param name="Origin">How its holder came by it.</param>
/// <param name="IssuedAt">When it was given out, or first seen.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="Revocation">Null while it is signed for.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ChoriaUserToken")]
public sealed record ChoriaUserToken(
    [property: Id(0)] string Id,
    [property: Id(1)] string CallerId,
    [property: Id(2)] string Principal,
    [property: Id(3)] ChoriaTokenOrigin Origin,
    [property: Id(4)] DateTimeOffset IssuedAt,
    [property: Id(5)] DateTimeOffset ExpiresAt,
    [property: Id(6)] ChoriaTokenRevocation? Revocation = null);

/// <param name="By">Who revoked it.</param>
/// <param name="Reason">Why, in their words.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ChoriaTokenRevocation")]
public sealed record ChoriaTokenRevocation(
    [property: Id(0)] string By, [property: Id(1)] string Reason, [property: Id(2)] DateTimeOffset At);

/// <summary>How the holder of a Choria user token came by it.</summary>
public enum ChoriaTokenOrigin
{
    /// <summary>By a password, here.</summary>
    Password = 0,

    /// <summary>By signing in at an identity provider, here.</summary>
    Oidc = 1,

    /// <summary>From another issuer of the organisation.</summary>
    Elsewhere = 2,
}

/// <param name="Tokens">The page.</param>
/// <param name="Next">What to ask for the next page with; null on the last one.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ChoriaTokenPage")]
public sealed record ChoriaTokenPage([property: Id(0)] IReadOnlyList<ChoriaUserToken> Tokens, [property: Id(1)] ChoriaTokenPlace? Next);

/// <param name="Shard">Which part of the register it is in.</param>
/// <param name="Id">Its id, by which a part is ordered.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ChoriaTokenPlace")]
public sealed record ChoriaTokenPlace([property: Id(0)] int Shard, [property: Id(1)] string Id);
