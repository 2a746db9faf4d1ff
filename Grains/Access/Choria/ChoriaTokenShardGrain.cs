namespace ControlPlane.Access;

/// <summary>One part of the register of Choria user tokens: those of the callers that fall to it.</summary>
/// <remarks>Key: 0 to <see cref="ChoriaTokens.Shards"/> - 1.</remarks>
[Alias("ControlPlane.IChoriaTokenShardGrain")]
internal interface IChoriaTokenShardGrain : IGrainWithIntegerKey
{
    /// <summary>Safe to repeat: a token that is recorded stays as it is.</summary>
    [Alias("Register")]
    Task<TokenRegistration> Register(NewChoriaToken token);

    /// <summary>Safe to repeat: a token from elsewhere is recorded once.</summary>
    [Alias("Recognise")]
    Task<TokenAdmission> Recognise(ShownToken token);

    /// <summary>Not to be repeated for one request: it is remembered as signed.</summary>
    [Alias("Admit")]
    Task<TokenAdmission> Admit(ShownToken token, TokenUse use);

    /// <summary>Tokens that have not ended, by their ids.</summary>
    [Alias("List")]
    Task<IReadOnlyList<ChoriaUserToken>> List(string? after, int limit);

    /// <summary>Safe to repeat: the first revocation stands.</summary>
    [Alias("Revoke")]
    Task<ChoriaUserToken?> Revoke(string id, string reason);
}

[GrainType("choria-tokens-shard")]
internal sealed class ChoriaTokenShardGrain(
    [PersistentState("choria-tokens", Stores.Fleet)] IPersistentState<ChoriaTokensState> stored, TimeProvider time)
    : Grain, IChoriaTokenShardGrain
{
    // In memory: it is lost with the silo, and what was signed before may then be signed again, until nodes take it no more. Whoever has
    // the request has had the same signature, which is always the same, and nodes themselves would serve it twice.
    private readonly SignedRequests signed = new();

    public async Task<TokenRegistration> Register(NewChoriaToken token)
    {
        var (outcome, after) = stored.State.Register(token, time.GetUtcNow());
        if (after != stored.State)
        {
            await stored.ReplaceAsync(after);
        }

        return outcome;
    }

    public async Task<TokenAdmission> Recognise(ShownToken token)
    {
        if (stored.State.FindOrNull(token.CallerId, token.Id) is null && token.IsFromElsewhere)
        {
            await RegisterFromElsewhere(token, time.GetUtcNow());
        }

        return stored.State.FindOrNull(token.CallerId, token.Id) switch
        {
            null => new TokenAdmission.Refused("the token was not given out here, or its name is somebody else's here: sign in again"),
            { Revocation: { } revocation } => new TokenAdmission.Refused($"the token was revoked at {revocation.At:O}: sign in again"),
            { SignIn: var signIn } => new TokenAdmission.Admitted(signIn),
        };
    }

    public async Task<TokenAdmission> Admit(ShownToken token, TokenUse use)
    {
        var admission = await Recognise(token);
        if (admission is TokenAdmission.Refused)
        {
            return admission;
        }

        var now = time.GetUtcNow();
        if (signed.Add(use, now) is { } repeated)
        {
            return new TokenAdmission.Refused(repeated);
        }

        DelayDeactivation(use.RequestExpiresAt - now);
        return admission;
    }

    public Task<IReadOnlyList<ChoriaUserToken>> List(string? after, int limit) =>
        Task.FromResult(stored.State.List(after, limit, time.GetUtcNow()));

    public async Task<ChoriaUserToken?> Revoke(string id, string reason)
    {
        var (token, after) = stored.State.Revoke(id, new ChoriaTokenRevocation(CallerContext.Actor, reason, time.GetUtcNow()));
        if (after != stored.State)
        {
            await stored.ReplaceAsync(after);
        }

        return token;
    }

    // Recorded before the first use, so that it can be listed and revoked like those that were given out here.
    private Task<TokenRegistration> RegisterFromElsewhere(ShownToken token, DateTimeOffset now) => Register(new NewChoriaToken(
        token.Id, token.CallerId, new ChoriaSignIn(token.CallerId, ChoriaTokenOrigin.Elsewhere), now, token.ExpiresAt));
}
