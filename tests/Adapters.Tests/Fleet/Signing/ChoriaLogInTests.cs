using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Choria.Tests;
using ControlPlane.Adapters.Fleet.Signing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet.Signing;

using Caller = ControlPlane.Access.Caller;

/// <summary>Who gets a user token, and what it says.</summary>
public sealed class ChoriaLogInTests : IAsyncLifetime
{
    private readonly Ed25519Key key = Ed25519Key.Generate();
    private readonly ChoriaSigningOptions options = SigningStage.AsCaptured();
    private SigningStage stage = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Timestamp => $"{stage.Time.GetUtcNow().ToUnixTimeSeconds()}";

    public async ValueTask InitializeAsync()
    {
        options.AcceptOtherTokens = false;
        options.Oidc = new ChoriaOidcOptions { Issuer = "https://id.example.net", ClientId = "choria", Permissions = ["events_viewer"] };
        stage = await SigningStage.StartAsync(options, now: null, "aaa", "authenticator");
    }

    public async ValueTask DisposeAsync()
    {
        await stage.DisposeAsync();
        key.Dispose();
    }

    /// <summary>The captured logins, good, wrong, good, at the time of each.</summary>
    [Fact]
    public async Task LogInAsync_AnswersTheCapturedQuestions_AsTheAaaServiceDid()
    {
        foreach (var line in Captures.Lines("v2-aaa", "http.jsonl").Where(line => line["path"]!.GetValue<string>() == "/choria/v1/login"))
        {
            var asked = JsonNode.Parse(line["req_body"]!.GetValue<string>())!;
            var expected = JsonNode.Parse(line["resp_body"]!.GetValue<string>())!;
            var timestamp = asked["timestamp"]!.GetValue<string>();
            stage.Time.Set(DateTimeOffset.FromUnixTimeSeconds(long.Parse(timestamp, System.Globalization.CultureInfo.InvariantCulture)));

            var answer = await stage.LogIn.LogInAsync(
                new ChoriaLogInQuestion(
                    asked["username"]!.GetValue<string>(),
                    asked["password"]!.GetValue<string>(),
                    IdToken: null,
                    asked["public_key"]!.GetValue<string>(),
                    timestamp,
                    asked["signature"]!.GetValue<string>()),
                "127.0.0.1",
                Cancel);

            if (expected["token"]?.GetValue<string>() is not { } captured)
            {
                Assert.Null(Assert.IsType<ChoriaLogInAnswer.Refused>(answer).Detail);
                continue;
            }

            var token = Assert.IsType<ChoriaLogInAnswer.Admitted>(answer).Token;
            Assert.True(
                SigningStage.Trust.TryVerify(token, stage.Time.GetUtcNow(), out ClientClaims? claims, out var fault), fault?.Detail);
            Assert.True(ChoriaToken.TryReadUnverified(captured, out ClientClaims? theirs, out _));
            Assert.Equal(
                (theirs.CallerId, theirs.OrganizationUnit, theirs.Permissions, theirs.PublicKey, theirs.Issuer),
                (claims.CallerId, claims.OrganizationUnit, claims.Permissions, claims.PublicKey, claims.Issuer));
            Assert.InRange(claims.ExpiresAt, theirs.ExpiresAt, theirs.ExpiresAt.AddMinutes(10));
            Assert.Equal(theirs.Agents, claims.Agents);
        }

        Assert.Contains("failed ChoriaToken alice: the password is wrong", stage.Audit.Lines);
        Assert.Equal(2, (await stage.Grains.GetGrain<IChoriaTokensGrain>(0).List(null, 10)).Tokens.Count);
    }

    [Theory]
    [InlineData(600, "future request")]
    [InlineData(-61, "old request")]
    public async Task LogInAsync_Refuses_TimesOutsideTheWindow(int seconds, string detail) =>
        Assert.Equal(detail, await RefusalAsync(Question($"{stage.Time.GetUtcNow().ToUnixTimeSeconds() + seconds}")));

    [Theory]
    [InlineData("")]
    [InlineData("now")]
    [InlineData("1795371751.5")]
    [InlineData("99999999999999999999")]
    [InlineData("-9223372036854775808")]
    public async Task LogInAsync_Refuses_TimesThatAreNone(string timestamp) => Assert.Null(await RefusalAsync(Question(timestamp)));

    [Fact]
    public async Task LogInAsync_Refuses_WhatTheKeyDidNotSign()
    {
        using var other = Ed25519Key.Generate();
        var good = Question(Timestamp);

        Assert.Equal("invalid sig", await RefusalAsync(good with { PublicKey = other.PublicKeyHex }));
        Assert.Equal("invalid sig", await RefusalAsync(good with { Username = "bob" }));
        Assert.Equal("invalid sig", await RefusalAsync(good with { PublicKey = "" }));
        Assert.Equal("invalid sig", await RefusalAsync(good with { Signature = "zz" }));
    }

    [Fact]
    public async Task LogInAsync_SaysTheSame_OfAnUnknownUserAndAWrongPassword()
    {
        Assert.Null(await RefusalAsync(Question(Timestamp, "mallory")));
        Assert.Null(await RefusalAsync(Question(Timestamp, password: "wrong")));
        Assert.Equal(
            ["failed ChoriaToken mallory: there is no such user", "failed ChoriaToken alice: the password is wrong"], stage.Audit.Lines);
    }

    [Fact]
    public async Task LogInAsync_CountsGuesses_ToTheAddressAndTheUser()
    {
        await RefusalAsync(Question(Timestamp, "mallory"));
        await RefusalAsync(Question(Timestamp, password: "wrong"));
        await RefusalAsync(QuestionOf("forged"));
        await RefusalAsync(Question($"{stage.Time.GetUtcNow().ToUnixTimeSeconds() - 61}"));
        await TokenAsync(Question(Timestamp));

        Assert.Equal(
            [
                new SignInAttempt("192.0.2.1") { UserName = "mallory" },
                new SignInAttempt("192.0.2.1") { UserName = "alice" },
                new SignInAttempt("192.0.2.1"),
            ],
            stage.Limits.Failures);
    }

    [Fact]
    public async Task LogInAsync_LooksAtNoPassword_OfAUserWhoIsLocked_AndRecordsIt()
    {
        stage.Limits.IsLocked = attempt => attempt.UserName == "alice";
        stage.Identities.Known["id"] = Identity("dana@example.net");

        Assert.Equal("too many sign-ins failed", await RefusalAsync(Question(Timestamp)));
        Assert.Equal(["failed ChoriaToken alice: too many sign-ins failed"], stage.Audit.Lines);
        Assert.Empty(stage.Limits.Failures);
        await TokenAsync(QuestionOf("id"));
    }

    [Fact]
    public async Task LogInAsync_GivesNothing_ToAPrincipalThatAsksTooMuch()
    {
        stage.Limits.Slowed.Add("up=alice");

        Assert.Equal("asks more than it may", await RefusalAsync(Question(Timestamp)));
    }

    [Fact]
    public async Task LogInAsync_GivesNothing_WhatCannotBeRecorded()
    {
        stage.Audit.IsAway = true;

        Assert.Contains("does not take the record", await RefusalAsync(Question(Timestamp)), StringComparison.Ordinal);
        Assert.Empty((await stage.Grains.GetGrain<IChoriaTokensGrain>(0).List(null, 10)).Tokens);
    }

    [Fact]
    public async Task AToken_IsSignedFor_AsLongAsItsUserIsListed_AndNotRevoked()
    {
        var token = await TokenAsync(Question(Timestamp));

        Assert.IsType<SignatureAnswer.Signed>(await SignAsync(token, "up=alice", "rpcutil"));
        Assert.Contains(
            "list of actions", Assert.IsType<SignatureAnswer.Refused>(await SignAsync(token, "up=alice", "choria_util")).Reason,
            StringComparison.Ordinal);
        Assert.Equal(
            ["begin up=alice LogInToChoria . allow", "end token", "begin up=alice SignChoriaRequest rpcutil.ping allow", "end signed",
                "begin up=alice SignChoriaRequest choria_util.ping deny"],
            stage.Audit.Lines.Select(line => line.StartsWith("end token", StringComparison.Ordinal) ? "end token" : line));
    }

    [Fact]
    public async Task AnIdToken_IsWorthOneToken_ForWhomThePolicyKnowsByPrincipalAndGroups()
    {
        stage.Identities.Known["id"] = Identity("dana@example.net");

        var token = await TokenAsync(QuestionOf("id"));

        Assert.True(SigningStage.Trust.TryVerify(token, stage.Time.GetUtcNow(), out ClientClaims? claims, out var fault), fault?.Detail);
        Assert.Equal("oidc=dana_example_net", claims.CallerId);
        Assert.Equal(new ClientPermissions { SignedFleetManagement = true, EventsViewer = true }, claims.Permissions);
        Assert.Contains("before", await RefusalAsync(QuestionOf("id")), StringComparison.Ordinal);
        Assert.IsType<SignatureAnswer.Signed>(await SignAsync(token, "oidc=dana_example_net", "rpcutil"));
        var (caller, _) = stage.Policy.Asked.Last();
        Assert.Equal(("dana@example.net", "operators", stage.Identities.Known["id"].Caller.SecondFactorAt),
            (caller.Principal, Assert.Single(caller.Groups), caller.SecondFactorAt));
    }

    [Fact]
    public async Task AnIdToken_IsRefused_WhenItIsNotGood_OrAnotherKeySigned()
    {
        stage.Identities.Known["id"] = Identity("dana@example.net");
        using var other = Ed25519Key.Generate();

        Assert.Contains("ID token is refused", await RefusalAsync(QuestionOf("forged")), StringComparison.Ordinal);
        Assert.Equal("invalid sig", await RefusalAsync(QuestionOf("id") with { PublicKey = other.PublicKeyHex }));
        Assert.Equal("invalid sig", await RefusalAsync(QuestionOf("id") with { IdToken = "another" }));
    }

    /// <summary>To the API as to the signer: a policy that names Dana's groups, or her second factor, means her at both.</summary>
    [Fact]
    public async Task AToken_IsItsPersons_AlsoToTheApi_UntilItIsRevoked()
    {
        stage.Identities.Known["id"] = Identity("dana@example.net");
        var token = await TokenAsync(QuestionOf("id"));
        Assert.True(SigningStage.Trust.TryVerify(token, stage.Time.GetUtcNow(), out ClientClaims? claims, out var fault), fault?.Detail);

        await SignAsync(token, "oidc=dana_example_net", "rpcutil");
        var (caller, _) = await stage.Callers.FindAsync(claims, "192.0.2.1");

        // Each call has a trace of its own.
        var signer = stage.Policy.Asked.Last().Caller;
        Assert.NotNull(signer.Trace);
        Assert.Equivalent(signer with { Trace = caller!.Trace }, caller, strict: true);
        Assert.Equal("dana@example.net", await stage.Callers.PrincipalOfAsync(claims));
        Assert.NotNull(await stage.Grains.GetGrain<IChoriaTokensGrain>(0).Revoke(claims.Id!, "stolen"));
        Assert.Contains("revoked", (await stage.Callers.FindAsync(claims, "192.0.2.1")).Fault, StringComparison.Ordinal);
        Assert.Null(await stage.Callers.PrincipalOfAsync(claims));
    }

    [Fact]
    public async Task ATokenOfOthers_IsNobodys_InTheNameOfSomebodyWhoSignedInHere()
    {
        stage.Identities.Known["id"] = Identity("dana@example.net");
        await TokenAsync(QuestionOf("id"));

        var (caller, fault) = await stage.Callers.FindAsync(
            new ClientClaims { CallerId = "oidc=dana_example_net", Id = "other", Issuer = "elsewhere", ExpiresAtSeconds = 4_000_000_000 },
            "192.0.2.1");

        Assert.Null(caller);
        Assert.Contains("somebody else's here", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AToken_OfAUserWhoWasTakenOffTheList_IsNobodys()
    {
        var token = await TokenAsync(Question(Timestamp));
        Assert.True(SigningStage.Trust.TryVerify(token, stage.Time.GetUtcNow(), out ClientClaims? claims, out var fault), fault?.Detail);
        Assert.Equal("up=alice", (await stage.Callers.FindAsync(claims, "192.0.2.1")).Caller?.Principal);

        var empty = Options.Create(new ChoriaSigningOptions());
        var callers = new ChoriaCallers(
            stage.Register, stage.Tokens, new UserRestrictions(new UserLists(empty, stage.Time, NullLogger<UserLists>.Instance), empty));
        Assert.Contains("on no list", (await callers.FindAsync(claims, "192.0.2.1")).Fault, StringComparison.Ordinal);
    }

    /// <summary>Nodes would take the two for one.</summary>
    [Fact]
    public async Task APrincipal_GetsNoToken_WhoseNameLooksLikeAnothersToNodes()
    {
        stage.Identities.Known["first"] = Identity("dana@example.net");
        stage.Identities.Known["second"] = Identity("dana_example.net");
        await TokenAsync(QuestionOf("first"));

        Assert.Contains("already another principal's", await RefusalAsync(QuestionOf("second")), StringComparison.Ordinal);
    }

    private VerifiedIdentity Identity(string principal)
    {
        var caller = new Caller
        {
            Principal = principal, Method = CallerMethod.Oidc, Groups = ["operators"], SecondFactorAt = SigningStage.CapturedAt,
        };
        return new VerifiedIdentity(caller, stage.Time.GetUtcNow().AddMinutes(5));
    }

    private ChoriaLogInQuestion Question(string timestamp, string username = "alice", string password = "pa55word") => new(
        username,
        password,
        IdToken: null,
        key.PublicKeyHex,
        timestamp,
        key.SignHex(Encoding.UTF8.GetBytes(ChoriaLogInQuestion.StatementOf(timestamp, username, password))));

    private ChoriaLogInQuestion QuestionOf(string idToken) => new(
        Username: null,
        Password: null,
        idToken,
        key.PublicKeyHex,
        Timestamp,
        key.SignHex(Encoding.UTF8.GetBytes(ChoriaLogInQuestion.StatementOfIdToken(Timestamp, key.PublicKeyHex, idToken))));

    private async Task<string?> RefusalAsync(ChoriaLogInQuestion question) =>
        Assert.IsType<ChoriaLogInAnswer.Refused>(await stage.LogIn.LogInAsync(question, "192.0.2.1", Cancel)).Detail;

    private async Task<string> TokenAsync(ChoriaLogInQuestion question) =>
        Assert.IsType<ChoriaLogInAnswer.Admitted>(await stage.LogIn.LogInAsync(question, "192.0.2.1", Cancel)).Token;

    private Task<SignatureAnswer> SignAsync(string token, string caller, string agent)
    {
        var captured = SigningCaptureTests.CapturedRequest();
        var text = Encoding.UTF8.GetString(captured.Bytes.Span);
        var body = Convert.ToBase64String(Encoding.UTF8.GetBytes($$"""{"agent":"{{agent}}","action":"ping","data":{} }"""));
        var request = JsonNode.Parse(text)!;
        (request["caller"], request["agent"], request["message"]) = (caller, agent, body);
        var bytes = Encoding.UTF8.GetBytes(request.ToJsonString());
        return stage.Signer.SignAsync(new SignatureQuestion(bytes, token, key.SignHex(bytes)), SignatureWay.Http, "192.0.2.1", Cancel);
    }
}
