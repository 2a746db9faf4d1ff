namespace ControlPlane.Access;

/// <summary>The register of Choria user tokens, as who gives them out and who signs for them see it. Thread-safe.</summary>
public sealed class ChoriaTokens(IGrainFactory grains)
{
    /// <summary>Parts of the register. Fixed: a caller's tokens are looked for where they were put.</summary>
    public const int Shards = 64;

    /// <summary>Records a token before it is given out. Safe to repeat.</summary>
    public Task<TokenRegistration> RegisterAsync(NewChoriaToken token) => ShardOf(token.CallerId).Register(token);

    /// <summary>Asks who holds a token, and whether it was revoked. Safe to repeat.</summary>
    public Task<TokenAdmission> RecogniseAsync(ShownToken token) => ShardOf(token.CallerId).Recognise(token);

    /// <summary>Asks whether a request may be signed for a token, and remembers it: an old one is not signed a second time.</summary>
    public Task<TokenAdmission> AdmitAsync(ShownToken token, TokenUse use) => ShardOf(token.CallerId).Admit(token, use);

    private IChoriaTokenShardGrain ShardOf(string callerId) =>
        grains.GetGrain<IChoriaTokenShardGrain>(StableHash.Bucket(callerId, Shards));
}

/// <param name="Id">Its <c>jti</c>.</param>
/// <param name="CallerId">The caller that requests will name.</param>
/// <param name="SignIn">Who it is for.</param>
/// <param name="IssuedAt">When it begins.</param>
/// <param name="ExpiresAt">When it ends.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.NewChoriaToken")]
public sealed record NewChoriaToken(
    [property: Id(0)] string Id,
    [property: Id(1)] string CallerId,
    [property: Id(2)] ChoriaSignIn SignIn,
    [property: Id(3)] DateTimeOffset IssuedAt,
    [property: Id(4)] DateTimeOffset ExpiresAt)
{
    /// <summary>The hash of the credential that it is given for, where that is good for one token alone.</summary>
    [Id(5)]
    public string? Credential { get; init; }

    /// <summary>When that credential is worth nothing by itself.</summary>
    [Id(6)]
    public DateTimeOffset CredentialExpiresAt { get; init; }
}

/// <summary>What became of a token that is to be given out.</summary>
public enum TokenRegistration
{
    Registered = 0,

    /// <summary>The name that nodes would see is already another principal's.</summary>
    NameTaken = 1,

    /// <summary>A token was given for that credential before.</summary>
    CredentialUsed = 2,

    /// <summary>Its caller has too many that have not ended, or the register has too many callers.</summary>
    TooMany = 3,
}

/// <summary>A token that somebody shows, and whose signature is verified.</summary>
/// <param name="Id">Its <c>jti</c>.</param>
/// <param name="CallerId">Its caller.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="IsFromElsewhere">Whether it may be one that was not given out here: then it is recorded now.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ShownToken")]
public sealed record ShownToken(
    [property: Id(0)] string Id,
    [property: Id(1)] string CallerId,
    [property: Id(2)] DateTimeOffset ExpiresAt,
    [property: Id(3)] bool IsFromElsewhere);

/// <summary>A request that is to be signed for a token.</summary>
/// <param name="Request">The hash of the request that is to be signed.</param>
/// <param name="RequestedAt">When the request says that it was made.</param>
/// <param name="RequestExpiresAt">When nodes take it no more.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.TokenUse")]
public sealed record TokenUse(
    [property: Id(0)] string Request, [property: Id(1)] DateTimeOffset RequestedAt, [property: Id(2)] DateTimeOffset RequestExpiresAt);

/// <summary>Whether a token is good, and a request may be signed for it, as far as the register knows.</summary>
[GenerateSerializer, Immutable, Alias("ControlPlane.TokenAdmission")]
public abstract record TokenAdmission
{
    private TokenAdmission()
    {
    }

    /// <param name="SignIn">Who holds the token.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.TokenAdmission.Admitted")]
    public sealed record Admitted([property: Id(0)] ChoriaSignIn SignIn) : TokenAdmission;

    /// <param name="Reason">Why not, in words.</param>
    [GenerateSerializer, Immutable, Alias("ControlPlane.TokenAdmission.Refused")]
    public sealed record Refused([property: Id(0)] string Reason) : TokenAdmission;
}
