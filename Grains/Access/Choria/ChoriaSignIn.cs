namespace ControlPlane.Access;

/// <summary>Who somebody was found to be when they were given a token: what the policy judges each of their requests by.</summary>
/// <param name="Principal">The name that policies and records use.</param>
/// <param name="Origin">How they showed it.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.ChoriaSignIn")]
public sealed record ChoriaSignIn([property: Id(0)] string Principal, [property: Id(1)] ChoriaTokenOrigin Origin)
{
    [Id(2)]
    public IReadOnlyList<string> Groups { get; init; } = [];

    [Id(3)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Claims { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);

    /// <summary>When a second factor was shown; null when none was.</summary>
    [Id(4)]
    public DateTimeOffset? SecondFactorAt { get; init; }

    public static ChoriaSignIn Of(Caller caller, ChoriaTokenOrigin origin) => new(caller.Principal, origin)
    {
        Groups = [.. caller.Groups],
        Claims = caller.Claims,
        SecondFactorAt = caller.SecondFactorAt,
    };

    /// <summary>The caller of a request that came with the token.</summary>
    public Caller CallerWith(string tokenId, string? address) => new()
    {
        Principal = Principal,
        Method = CallerMethod.ChoriaToken,
        Groups = Groups,
        Claims = Claims,
        SecondFactorAt = SecondFactorAt,
        CredentialId = tokenId,
        Address = address,
    };
}
