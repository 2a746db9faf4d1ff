using System.Collections.Immutable;

namespace ControlPlane.Access;

/// <summary>One part of the register: callers, each with the tokens that have not ended. Pure.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.ChoriaTokensState")]
internal sealed record ChoriaTokensState
{
    /// <summary>Tokens of one caller that have not ended: a person signs in a few times a day, on a few machines.</summary>
    public const int TokensOfCallerMax = 64;

    /// <summary>Callers of one part, with tokens or without: 640,000 in all.</summary>
    public const int CallersMax = 10_000;

    [Id(0)]
    public ImmutableDictionary<string, TokenHolder> Holders { get; init; } = ImmutableDictionary<string, TokenHolder>.Empty;

    /// <summary>Adds a token, and forgets those of its caller that have ended.</summary>
    public (TokenRegistration Outcome, ChoriaTokensState After) Register(NewChoriaToken token, DateTimeOffset now)
    {
        if (!Holders.TryGetValue(token.CallerId, out var holder))
        {
            return Holders.Count < CallersMax
                ? (TokenRegistration.Registered, With(token.CallerId, new TokenHolder(token.SignIn.Principal, [KeptChoriaToken.Of(token)])))
                : (TokenRegistration.TooMany, this);
        }

        // What nodes see of a principal is shorter than its name: nobody may become somebody else by a name that looks the same to them.
        if (holder.Principal != token.SignIn.Principal)
        {
            return (TokenRegistration.NameTaken, this);
        }

        var kept = holder.Tokens.Where(one => one.RememberedUntil > now).ToImmutableArray();
        if (kept.Any(one => one.Id == token.Id))
        {
            return (TokenRegistration.Registered, this);
        }

        if (token.Credential is not null && kept.Any(one => one.Credential == token.Credential))
        {
            return (TokenRegistration.CredentialUsed, this);
        }

        return kept.Length < TokensOfCallerMax
            ? (TokenRegistration.Registered, With(token.CallerId, holder with { Tokens = kept.Add(KeptChoriaToken.Of(token)) }))
            : (TokenRegistration.TooMany, this);
    }

    public KeptChoriaToken? FindOrNull(string callerId, string id) =>
        Holders.GetValueOrDefault(callerId)?.Tokens.FirstOrDefault(token => token.Id == id);

    /// <summary>The state in which a token is revoked; the token is null when it is not known, or has ended.</summary>
    public (ChoriaUserToken? Token, ChoriaTokensState After) Revoke(string id, ChoriaTokenRevocation revocation)
    {
        foreach (var (callerId, holder) in Holders)
        {
            if (holder.Tokens.FirstOrDefault(token => token.Id == id && token.ExpiresAt > revocation.At) is not { } held)
            {
                continue;
            }

            var revoked = held.Revocation is null ? held with { Revocation = revocation } : held;
            return (
                revoked.Shown(callerId, holder.Principal),
                revoked == held ? this : With(callerId, holder with { Tokens = holder.Tokens.Replace(held, revoked) }));
        }

        return (null, this);
    }

    /// <summary>Tokens that have not ended, by their ids.</summary>
    public IReadOnlyList<ChoriaUserToken> List(string? after, int limit, DateTimeOffset now) =>
    [
        .. Holders
            .SelectMany(holder => holder.Value.Tokens.Select(token => token.Shown(holder.Key, holder.Value.Principal)))
            .Where(token => token.ExpiresAt > now && (after is null || string.CompareOrdinal(token.Id, after) > 0))
            .OrderBy(token => token.Id, StringComparer.Ordinal)
            .Take(limit),
    ];

    private ChoriaTokensState With(string callerId, TokenHolder holder) => new() { Holders = Holders.SetItem(callerId, holder) };
}

/// <summary>One caller. It is kept when its tokens have ended: its name stays its principal's.</summary>
/// <param name="Principal">Whose name it is.</param>
/// <param name="Tokens">Its tokens.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.TokenHolder")]
internal sealed record TokenHolder([property: Id(0)] string Principal, [property: Id(1)] ImmutableArray<KeptChoriaToken> Tokens);

/// <param name="Id">Its <c>jti</c>.</param>
/// <param name="SignIn">Who holds it.</param>
/// <param name="IssuedAt">When it was given out, or first seen.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="RememberedUntil">When it may be forgotten: it has ended, and what it was given for as well.</param>
/// <param name="Credential">The hash of what it was given for; null where that may be shown again.</param>
/// <param name="Revocation">Null while it is signed for.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.KeptChoriaToken")]
internal sealed record KeptChoriaToken(
    [property: Id(0)] string Id,
    [property: Id(1)] ChoriaSignIn SignIn,
    [property: Id(2)] DateTimeOffset IssuedAt,
    [property: Id(3)] DateTimeOffset ExpiresAt,
    [property: Id(4)] DateTimeOffset RememberedUntil,
    [property: Id(5)] string? Credential,
    [property: Id(6)] ChoriaTokenRevocation? Revocation = null)
{
    public static KeptChoriaToken Of(NewChoriaToken token) => new(
        token.Id,
        token.SignIn,
        token.IssuedAt,
        token.ExpiresAt,
        token.CredentialExpiresAt > token.ExpiresAt ? token.CredentialExpiresAt : token.ExpiresAt,
        token.Credential);

    public ChoriaUserToken Shown(string callerId, string principal) =>
        new(Id, callerId, principal, SignIn.Origin, IssuedAt, ExpiresAt, Revocation);
}
