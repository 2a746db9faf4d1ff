namespace ControlPlane.Access.Tests;

/// <summary>One part of the register of Choria user tokens.</summary>
public sealed class ChoriaTokensStateTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Register_AddsAToken_AndAddsItOnce()
    {
        var state = Registered(Token("1"));

        Assert.NotNull(state.FindOrNull("up=alice", "1"));
        Assert.Null(state.FindOrNull("up=bob", "1"));
        Assert.Equal((TokenRegistration.Registered, state), state.Register(Token("1"), Now));
    }

    [Fact]
    public void Register_ForgetsWhatHasEnded_AndKeepsItsNameForItsPrincipal()
    {
        var later = Now.AddHours(2);
        var (_, state) = Registered(Token("1")).Register(Token("2") with { ExpiresAt = later.AddHours(1) }, later);

        Assert.Null(state.FindOrNull("up=alice", "1"));
        var muchLater = later.AddDays(100);
        Assert.Equal(
            TokenRegistration.NameTaken,
            state.Register(Token("3") with { SignIn = new ChoriaSignIn("alice2", ChoriaTokenOrigin.Oidc) }, muchLater).Outcome);
    }

    [Fact]
    public void Register_TakesACredentialOnce_AlsoWhenItsTokenHasEnded()
    {
        var state = Registered(Token("1") with { Credential = "hash", CredentialExpiresAt = Now.AddDays(1) });

        Assert.Equal(TokenRegistration.CredentialUsed, state.Register(Token("2") with { Credential = "hash" }, Now.AddHours(3)).Outcome);
        Assert.Equal(TokenRegistration.Registered, state.Register(Token("3") with { Credential = "other" }, Now).Outcome);
    }

    [Fact]
    public void Register_IsBounded()
    {
        var state = new ChoriaTokensState();
        for (var number = 0; number < ChoriaTokensState.TokensOfCallerMax; number++)
        {
            (_, state) = state.Register(Token($"{number}"), Now);
        }

        Assert.Equal(TokenRegistration.TooMany, state.Register(Token("one more"), Now).Outcome);
    }

    [Fact]
    public void Revoke_StandsAsItWasFirstSaid_AndKnowsNothingOfWhatHasEnded()
    {
        var state = Registered(Token("1"));
        var (revoked, after) = state.Revoke("1", new ChoriaTokenRevocation("ann", "stolen", Now));

        Assert.Equal("stolen", revoked!.Revocation!.Reason);
        Assert.Equal("stolen", after.Revoke("1", new ChoriaTokenRevocation("ben", "again", Now.AddMinutes(1))).Token!.Revocation!.Reason);
        Assert.Null(after.Revoke("1", new ChoriaTokenRevocation("ben", "again", Now.AddHours(2))).Token);
        Assert.Null(state.Revoke("2", new ChoriaTokenRevocation("ann", "stolen", Now)).Token);
    }

    [Fact]
    public void List_GivesPagesByIds_WithoutWhatHasEnded()
    {
        var state = Registered(Token("2"), Token("1"), Token("3") with { CallerId = "up=bob" }, Token("0") with { ExpiresAt = Now });

        Assert.Equal(["1", "2"], state.List(null, 2, Now).Select(token => token.Id));
        Assert.Equal(["3"], state.List("2", 2, Now).Select(token => token.Id));
    }

    [Fact]
    public void SignedRequests_AreNotSignedAgain_UntilNodesTakeThemNoMore()
    {
        var requests = new SignedRequests();
        var use = new TokenUse("hash", Now, Now.AddSeconds(60));

        Assert.Null(requests.Add(use, Now));
        Assert.Null(requests.Add(use, Now + SignedRequests.RepeatableFor));
        Assert.NotNull(requests.Add(use, Now.AddSeconds(3)));
        Assert.Null(requests.Add(use with { Request = "other" }, Now.AddSeconds(3)));
        Assert.Null(requests.Add(use, Now.AddSeconds(60)));
    }

    private static ChoriaTokensState Registered(params NewChoriaToken[] tokens) =>
        tokens.Aggregate(new ChoriaTokensState(), (state, token) => state.Register(token, Now).After);

    private static NewChoriaToken Token(string id) =>
        new(id, "up=alice", new ChoriaSignIn("up=alice", ChoriaTokenOrigin.Password), Now, Now.AddHours(1));
}
