// Over 400 lines: each branch of the rules by which a request is signed or refused is a few lines, and they are read side by side.
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using ControlPlane.Access;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Signing;

namespace ControlPlane.Adapters.Tests.Fleet.Signing;

/// <summary>Whose requests are signed, and which; every way to be refused.</summary>
public sealed class ChoriaSignerTests : IAsyncLifetime
{
    private static readonly string Issuer = File.ReadAllText(SigningStage.KeyFile("issuer.seed"));
    private static readonly ClientPermissions Signed = new() { SignedFleetManagement = true };

    private readonly Ed25519Key key = Ed25519Key.Generate();
    private readonly Ed25519Key issuer = Ed25519Key.FromSeedHex(Issuer);
    private readonly ChoriaSigningOptions options = SigningStage.AsCaptured();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("controlplane-signing-");
    private SigningStage stage = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static DateTimeOffset Now => SigningStage.CapturedAt;

    public async ValueTask InitializeAsync() => stage = await SigningStage.StartAsync(options);

    public async ValueTask DisposeAsync()
    {
        await stage.DisposeAsync();
        key.Dispose();
        issuer.Dispose();
        folder.Delete(recursive: true);
    }

    public static TheoryData<string, string> Bent => new()
    {
        { "another caller", "names another caller than the token" },
        { "another key", "not signed by the key of the token" },
        { "no signature", "not signed by the key of the token" },
        { "signature over other bytes", "not signed by the key of the token" },
        { "another agent in the body", "names another agent than its envelope" },
        { "no RPC body", "no RPC request" },
        { "discovery with an action", "carries a ping and nothing else" },
        { "stale", "time to live is over" },
        { "from the future", "time to live is over" },
        { "too long a life", "is longer than" },
        { "not JSON", "cannot be read" },
        { "a name twice", "cannot be read" },
        { "too large", "larger than" },
        { "another protocol", "cannot be read" },
        { "a provisioning protocol v1 too short lived", "cannot be read" },
    };

    [Theory]
    [MemberData(nameof(Bent))]
    public async Task SignAsync_Refuses_WhatIsBent(string how, string why)
    {
        var token = Token(Claims());
        var question = how switch
        {
            "another caller" => Question(Request() with { Caller = "up=bob" }, token),
            "another key" => Question(Request(), Token(Claims() with { PublicKey = new string('a', 64) })),
            "no signature" => Question(Request(), token) with { Signature = "" },
            "signature over other bytes" => Question(Request(), token) with { Signature = key.SignHex("other"u8) },
            "another agent in the body" => Question(Request() with { Agent = "shell" }, token),
            "no RPC body" => Question(Request() with { Body = "hello"u8.ToArray() }, token),
            "discovery with an action" => Question(Request() with { Agent = Discovery.Agent }, token),
            "stale" => Question(Request() with { UnixNanoseconds = Nanoseconds(Now.AddSeconds(-61)) }, token),
            "from the future" => Question(Request() with { UnixNanoseconds = Nanoseconds(Now.AddSeconds(120)) }, token),
            "too long a life" => Question(Request() with { TimeToLiveSeconds = 5 * 3600 + 1 }, token),
            "not JSON" => Raw("{"u8.ToArray(), token),
            "a name twice" => Raw(Encoding.UTF8.GetBytes("""{"agent":"shell",""" + Text(Request())[1..]), token),
            "too large" => Question(Request() with { Body = new byte[100_000] }, token),
            "another protocol" => Raw(
                Encoding.UTF8.GetBytes(Text(Request()).Replace("v2.request", "v3.request", StringComparison.Ordinal)), token),
            _ => Raw(Encoding.UTF8.GetBytes(TextV1(ttl: 29)), token),
        };

        Assert.Contains(why, await RefusalAsync(question), StringComparison.Ordinal);
        Assert.DoesNotContain(stage.Audit.Lines, line => line.StartsWith("begin", StringComparison.Ordinal));
    }

    public static TheoryData<string, string> BadTokens => new()
    {
        { "none", "is refused" },
        { "expired", "is refused" },
        { "not yet valid", "is refused" },
        { "of another organisation", "is refused" },
        { "of another issuer", "is refused" },
        { "of a server", "is refused" },
        { "for too long", "ends later than" },
        { "without an end", "is refused" },
        { "without permission", "neither the permission" },
        { "algorithm none", "is refused" },
    };

    [Theory]
    [MemberData(nameof(BadTokens))]
    public async Task SignAsync_Refuses_BadTokens_AndRecordsThem(string how, string why)
    {
        using var other = Ed25519Key.Generate();
        var token = how switch
        {
            "none" => "",
            "expired" => Token(Claims(), TimeSpan.FromHours(1), Now.AddHours(-2)),
            "not yet valid" => Token(Claims(), TimeSpan.FromHours(1), Now.AddMinutes(1)),
            "of another organisation" => Token(Claims() with { OrganizationUnit = "other" }),
            "of another issuer" => TokenIssuer.Organization(other).Issue(Claims(), TimeSpan.FromHours(1), Now),
            "of a server" => TokenIssuer.Organization(issuer).Issue(
                new ServerClaims { Identity = "web1", Collectives = ["choria"], PublicKey = key.PublicKeyHex, OrganizationUnit = "choria" },
                TimeSpan.FromHours(1), Now),
            "for too long" => Token(Claims(), TimeSpan.FromHours(3), Now),
            "without an end" => Unending(),
            "without permission" => Token(Claims() with { Permissions = new ClientPermissions { EventsViewer = true } }),
            _ => $"eyJhbGciOiJub25lIn0.{Token(Claims()).Split('.')[1]}.",
        };

        Assert.Contains(why, await RefusalAsync(Question(Request(), token)), StringComparison.Ordinal);
        Assert.StartsWith("failed ChoriaToken up=carol", Assert.Single(stage.Audit.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignAsync_TakesALongToken_WithThePermissionForIt()
    {
        var claims = Claims() with { Permissions = Signed with { LongLived = true } };

        await SignedAsync(Question(Request(), Token(claims, TimeSpan.FromDays(300), Now)));
    }

    [Fact]
    public async Task SignAsync_RecordsBeforeItSigns_AndDoesNotSign_WhatCannotBeRecorded()
    {
        stage.Audit.IsAway = true;

        Assert.Contains("does not take the record", await RefusalAsync(Question(Request(), Token(Claims()))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignAsync_AsksThePolicy_ForAgentActionCollectiveAndTheOnlyNode()
    {
        var request = Request() with { Filter = new ChoriaFilter { Agents = ["rpcutil"], Identities = ["web1.example.net"] } };

        await SignedAsync(Question(request, Token(Claims())));

        var (caller, asked) = Assert.Single(stage.Policy.Asked);
        Assert.Equal(("up=carol", CallerMethod.ChoriaToken), (caller.Principal, caller.Method));
        Assert.Equal(
            (Permissions.RequestsSign, "rpcutil", "ping", "choria", "web1.example.net"),
            (asked.Permission, asked.Agent, asked.Action, asked.Collective, asked.Node));
        Assert.Contains("web1.example.net", asked.Parameters["filter"], StringComparison.Ordinal);
        Assert.DoesNotContain("inputs", asked.Parameters.Keys);
        Assert.Equal(new ChoriaRequestFacts("desk.example.net", "{}", TimeSpan.FromMinutes(1), Now), asked.Choria);
    }

    [Theory]
    [InlineData(new[] { "test1", "test2", "test1" }, 2, null)]
    [InlineData(new[] { "test1", "prod1", "test2" }, 2, "may not requests.sign")]
    [InlineData(new[] { "test1", "test2", "test3" }, 2, "may not requests.sign")]
    [InlineData(new[] { "test1", "/test/" }, 2, "may not requests.sign")]
    [InlineData(new string[0], 2, "may not requests.sign")]
    public async Task SignAsync_JudgesEachNode_AndTheirNumber(string[] identities, int most, string? refusal)
    {
        stage.Policy.Allows = asked => asked.Targets <= most && asked.Node?.StartsWith("test", StringComparison.Ordinal) == true;
        var question = Question(
            Request() with { Filter = new ChoriaFilter { Agents = ["rpcutil"], Identities = identities } }, Token(Claims()));

        if (refusal is null)
        {
            await SignedAsync(question);
        }
        else
        {
            Assert.Contains(refusal, await RefusalAsync(question), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task SignAsync_JudgesByTheTokensClaims()
    {
        var claims = Claims() with { UserProperties = new Dictionary<string, string> { ["department"] = "sre" } };

        await SignedAsync(Question(Request(), Token(claims)));

        Assert.Equal(
            ["callerid=up=carol", "ou=choria", "user_properties.department=sre"],
            Assert.Single(stage.Policy.Asked).Caller.Claims.Select(claim => $"{claim.Key}={Assert.Single(claim.Value)}")
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task SignAsync_Refuses_WhatThePolicyDenies_DiscoveryAsWell()
    {
        stage.Policy.Deny = () => new AccessDecision(IsAllowed: false, "nobody may", "1");
        var discovery = Request() with { Agent = Discovery.Agent, Body = Discovery.Ping };

        Assert.Contains("nobody may", await RefusalAsync(Question(Request(), Token(Claims()))), StringComparison.Ordinal);
        Assert.Contains("nobody may", await RefusalAsync(Question(discovery, Token(Claims()))), StringComparison.Ordinal);
        Assert.Equal(
            ["begin up=carol SignChoriaRequest rpcutil.ping deny", "begin up=carol SignChoriaRequest discovery.ping deny"],
            stage.Audit.Lines);
    }

    [Fact]
    public async Task SignAsync_SignsOnce_AndNotAgain_WhatSomebodyRecorded()
    {
        var question = Question(Request() with { UnixNanoseconds = Nanoseconds(Now.AddSeconds(-10)) }, Token(Claims()));
        await SignedAsync(question);

        Assert.Contains("signed before", await RefusalAsync(question), StringComparison.Ordinal);

        // A batch of the same command names a new instant, and is another request.
        await SignedAsync(Question(Request() with { UnixNanoseconds = Nanoseconds(Now.AddSeconds(-9)) }, Token(Claims())));
    }

    [Fact]
    public async Task SignAsync_SignsNoMore_ForARevokedToken()
    {
        var claims = Claims();
        var token = Token(claims);
        await SignedAsync(Question(Request(), token));
        var tokens = stage.Grains.GetGrain<IChoriaTokensGrain>(0);
        var listed = Assert.Single((await tokens.List(null, 10)).Tokens);
        Assert.Equal(("up=carol", ChoriaTokenOrigin.Elsewhere), (listed.Principal, listed.Origin));

        Assert.NotNull(await tokens.Revoke(listed.Id, "stolen"));

        Assert.Contains("revoked", await RefusalAsync(Question(Request() with { Id = "2" }, token)), StringComparison.Ordinal);
        Assert.Equal("stolen", (await tokens.Revoke(listed.Id, "again"))?.Revocation?.Reason);
        Assert.Null(await tokens.Revoke("unknown", "stolen"));
    }

    [Fact]
    public async Task SignAsync_CountsWhatIsNotGood_ToTheAddress_AndToWhoseTokenIsShownWithoutItsKey()
    {
        await SignedAsync(Question(Request(), Token(Claims())));
        await RefusalAsync(Question(Request(), ""));
        await RefusalAsync(Question(Request(), Token(Claims())) with { Signature = "" });
        await RefusalAsync(Raw("{"u8.ToArray(), Token(Claims())));

        Assert.Equal(
            [new SignInAttempt("192.0.2.1"), new SignInAttempt("192.0.2.1") { Holder = "up=carol" }], stage.Limits.Failures);
    }

    [Fact]
    public async Task SignAsync_LooksAtNothing_FromAnAddressThatIsLocked_AndRecordsIt()
    {
        stage.Limits.IsLocked = attempt => attempt.Address == "192.0.2.1";

        Assert.Contains("too many sign-ins failed", await RefusalAsync(Question(Request(), Token(Claims()))), StringComparison.Ordinal);
        Assert.Equal(["failed ChoriaToken : too many sign-ins failed"], stage.Audit.Lines);
        Assert.Empty(stage.Policy.Asked);
    }

    [Fact]
    public async Task SignAsync_SignsNotForWhoAsksTooMuch_OrIsLocked()
    {
        stage.Limits.Slowed.Add("up=carol");
        Assert.Contains("asks more than it may", await RefusalAsync(Question(Request(), Token(Claims()))), StringComparison.Ordinal);
        Assert.Empty(stage.Audit.Lines);

        stage.Limits.Locked.Add("up=carol");
        await RefusalAsync(Question(Request() with { Id = "2" }, Token(Claims())));
        Assert.Equal(["failed ChoriaToken up=carol: too many sign-ins failed"], stage.Audit.Lines);
    }

    [Fact]
    public async Task FindAsync_FindsWhoTheSignerFinds_UntilTheTokenIsRevoked()
    {
        var claims = Read(Token(Claims() with { UserProperties = new Dictionary<string, string> { ["department"] = "sre" } }));

        var (caller, _) = await stage.Callers.FindAsync(claims, "192.0.2.1");
        Assert.Equal(("up=carol", CallerMethod.ChoriaToken, claims.Id), (caller!.Principal, caller.Method, caller.CredentialId));
        Assert.Equal(["sre"], caller.Claims["user_properties.department"]);

        Assert.NotNull(await stage.Grains.GetGrain<IChoriaTokensGrain>(0).Revoke(claims.Id!, "stolen"));
        var (none, fault) = await stage.Callers.FindAsync(claims, "192.0.2.1");
        Assert.Null(none);
        Assert.Contains("revoked", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FindAsync_FindsNobody_WhoseTokenHasNoId()
    {
        var (caller, fault) = await stage.Callers.FindAsync(Claims(), address: null);

        Assert.Null(caller);
        Assert.Contains("no jti", fault, StringComparison.Ordinal);
    }

    private static ClientClaims Read(string token)
    {
        Assert.True(SigningStage.Trust.TryVerify(token, Now, out ClientClaims? claims, out var refusal), refusal?.Detail);
        return claims;
    }

    [Theory]
    [InlineData("rpcutil.*", true)]
    [InlineData("rpcutil.ping", true)]
    [InlineData("*", true)]
    [InlineData("rpcutil.inventory", false)]
    [InlineData("rpcutil", false)]
    [InlineData("shell.*", false)]
    public async Task SignAsync_HonoursTheActionsOfATokenOfOthers(string entry, bool allowed)
    {
        var question = Question(Request(), Token(Claims() with { Agents = [entry] }));

        if (allowed)
        {
            await SignedAsync(question);
        }
        else
        {
            Assert.Contains("list of actions", await RefusalAsync(question), StringComparison.Ordinal);
            Assert.Equal("begin up=carol SignChoriaRequest rpcutil.ping deny", Assert.Single(stage.Audit.Lines));
        }
    }

    [Fact]
    public async Task SignAsync_RefusesAPolicyThatItCannotJudge_UnlessNodesDo()
    {
        var claims = Claims() with { Agents = null, OpaPolicy = "package io.choria.aaasvc" };
        Assert.Contains("opa_policy", await RefusalAsync(Question(Request(), Token(claims))), StringComparison.Ordinal);

        options.NodesJudgePolicies = true;
        await SignedAsync(Question(Request() with { Id = "2" }, Token(claims)));
    }

    [Fact]
    public async Task SignAsync_RefusesTokensOfOthers_UnlessTheyAreAccepted()
    {
        options.AcceptOtherTokens = false;

        Assert.Contains("not given out here", await RefusalAsync(Question(Request(), Token(Claims()))), StringComparison.Ordinal);
    }

    /// <summary>As the AAA service does it, for policies on nodes that are written that way.</summary>
    [Fact]
    public async Task SignAsync_WritesTheCallerAsTheAaaServiceDoes_WhenItHasAtSignsOrDots()
    {
        var request = Request() with { Caller = "up=carol@example.net" };
        var token = Token(Claims() with { CallerId = "up=carol@example.net" });

        var signed = await SignedAsync(Question(request, token));

        var inner = JsonNode.Parse(Convert.FromBase64String(JsonNode.Parse(signed.Span)!["request"]!.GetValue<string>()))!;
        Assert.Equal("up=carol_example_net", inner["caller"]!.GetValue<string>());
        Assert.Equal(request.Id, inner["id"]!.GetValue<string>());
        Assert.True(SigningCaptureTests.IsServed(signed.ToArray(), token, out var fault), fault);
    }

    [Fact]
    public async Task SignAsync_SignsV1_WithThePrivilegedCertificate_ForAnyCaller()
    {
        using var authority = new CaKey();
        var (certificate, certificateKey) = authority.Issue("controlplane.privileged.mcollective", folder);
        var v1 = SigningStage.AsCaptured();
        (v1.SignerCertificateFile, v1.SignerKeyFile) = (certificate, certificateKey);
        await using var both = await SigningStage.StartAsync(v1, TimeProvider.System.GetUtcNow());
        var now = both.Time.GetUtcNow();
        var text = TextV1(ttl: 60, now);
        var question = Raw(Encoding.UTF8.GetBytes(text), Token(Claims() with { Permissions = null }, TimeSpan.FromHours(1), now));

        var answer = await both.Signer.SignAsync(question, SignatureWay.Http, address: null, Cancel);

        var signed = Assert.IsType<SignatureAnswer.Signed>(answer).SecureRequest.ToArray();
        Assert.Equal(text, JsonNode.Parse(signed)!["message"]!.GetValue<string>());
        Assert.Null(authority.FaultOf(signed, now));

        // A certificate that is not privileged may not sign for carol, by the same node.
        var (plain, plainKey) = authority.Issue("controlplane.mcollective", folder);
        using var rsa = RSA.Create();
        rsa.ImportFromPem(await File.ReadAllTextAsync(plainKey, Cancel));
        Assert.True(PlainRequest.TryRead(Encoding.UTF8.GetBytes(text), out var asked, out _));
        Assert.NotNull(authority.FaultOf(
            asked.Seal(RequestSigner.WithCertificate(rsa, await File.ReadAllTextAsync(plain, Cancel))), now));
    }

    [Fact]
    public async Task SignAsync_SaysThatAProtocolIsNotSigned_WhenNothingIsConfiguredForIt() =>
        Assert.Contains(
            "V1 are not signed here",
            await RefusalAsync(Raw(Encoding.UTF8.GetBytes(TextV1(ttl: 60)), Token(Claims()))),
            StringComparison.Ordinal);

    private ClientClaims Claims() => new()
    {
        CallerId = "up=carol",
        PublicKey = key.PublicKeyHex,
        OrganizationUnit = "choria",
        Agents = ["*"],
        Permissions = Signed,
    };

    private string Token(ClientClaims claims, TimeSpan? lifetime = null, DateTimeOffset? begin = null) =>
        TokenIssuer.Organization(issuer).Issue(claims, lifetime ?? TimeSpan.FromHours(1), begin ?? Now.AddMinutes(-1));

    private string Unending()
    {
        var header = Base64("""{"alg":"EdDSA","typ":"JWT"}""");
        var claims = Base64(
            $$"""{"callerid":"up=carol","ou":"choria","purpose":"choria_client_id","public_key":"{{key.PublicKeyHex}}","jti":"x"}""");
        var signature = issuer.Sign(Encoding.ASCII.GetBytes($"{header}.{claims}"));
        return $"{header}.{claims}.{System.Buffers.Text.Base64Url.EncodeToString(signature)}";

        static string Base64(string json) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
    }

    private static ChoriaRequest Request() => new()
    {
        Protocol = ChoriaProtocol.V2,
        Id = "3MTPobeckMQiEarb1F4ZyNK3W6i",
        Sender = "desk.example.net",
        Caller = "up=carol",
        Collective = "choria",
        Agent = "rpcutil",
        UnixNanoseconds = Nanoseconds(Now),
        Filter = ChoriaFilter.HavingAgent("rpcutil"),
        Body = RpcutilAgent.Ping.EncodeRequest(new NoInput()),
    };

    private static string Text(ChoriaRequest request)
    {
        var payload = ChoriaEnvelope.EncodeRequest(request, TransportHeaders.None, RequestSigner.Insecure);
        var secure = JsonNode.Parse(Convert.FromBase64String(JsonNode.Parse(payload)!["data"]!.GetValue<string>()))!;
        return Encoding.UTF8.GetString(Convert.FromBase64String(secure["request"]!.GetValue<string>()));
    }

    private static string TextV1(int ttl, DateTimeOffset? now = null)
    {
        const string message = """{\"agent\":\"rpcutil\",\"action\":\"ping\",\"data\":{}}""";
        const string filter = """{"fact":[],"cf_class":[],"agent":["rpcutil"],"identity":[],"compound":[]}""";
        const string from = """
            "requestid":"0123456789abcdef0123456789abcdef","senderid":"desk.example.net","callerid":"up=carol","collective":"mcollective"
            """;
        var time = (now ?? Now).ToUnixTimeSeconds();
        return $$"""{"protocol":"choria:request:1","message":"{{message}}","envelope":{"""
            + $$"""{{from}},"agent":"rpcutil","ttl":{{ttl}},"time":{{time}},"filter":{{filter}} } }""".Replace(" } }", "}}", StringComparison.Ordinal);
    }

    private SignatureQuestion Question(ChoriaRequest request, string token) => Raw(Encoding.UTF8.GetBytes(Text(request)), token);

    private SignatureQuestion Raw(byte[] request, string token) => new(request, token, key.SignHex(request));

    private static long Nanoseconds(DateTimeOffset instant) => (instant - DateTimeOffset.UnixEpoch).Ticks * 100;

    private async Task<string> RefusalAsync(SignatureQuestion question) => Assert.IsType<SignatureAnswer.Refused>(
        await stage.Signer.SignAsync(question, SignatureWay.Http, "192.0.2.1", Cancel)).Reason;

    private async Task<ReadOnlyMemory<byte>> SignedAsync(SignatureQuestion question)
    {
        var answer = await stage.Signer.SignAsync(question, SignatureWay.Http, "192.0.2.1", Cancel);
        return Assert.IsType<SignatureAnswer.Signed>(answer).SecureRequest;
    }

    /// <summary>The CA of a network of protocol v1.</summary>
    private sealed class CaKey : IDisposable
    {
        private static readonly DateTimeOffset Begin = TimeProvider.System.GetUtcNow().AddHours(-1);

        private readonly RSA key = RSA.Create(2048);
        private readonly X509Certificate2 certificate;

        public CaKey()
        {
            var request = new CertificateRequest("CN=ca.example.net", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            certificate = request.CreateSelfSigned(Begin, Begin.AddYears(1));
        }

        public (string Certificate, string Key) Issue(string name, DirectoryInfo folder)
        {
            using var own = RSA.Create(2048);
            var request = new CertificateRequest($"CN={name}", own, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(
                new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
            using var issued = request.Create(certificate, Begin, Begin.AddDays(30), RandomNumberGenerator.GetBytes(16));
            var path = Path.Combine(folder.FullName, name);
            File.WriteAllText($"{path}.pem", issued.ExportCertificatePem());
            File.WriteAllText($"{path}.key", own.ExportPkcs8PrivateKeyPem());
            return ($"{path}.pem", $"{path}.key");
        }

        public string? FaultOf(byte[] secureRequest, DateTimeOffset now)
        {
            var transport = $$"""
                {"protocol":"choria:transport:1","data":"{{Convert.ToBase64String(secureRequest)}}","headers":{} }
                """;
            Assert.True(ChoriaEnvelope.TryDecodeRequest(Encoding.UTF8.GetBytes(transport), out var received, out var unread), $"{unread}");
            using var trust = new CertificateTrust([X509CertificateLoader.LoadCertificate(certificate.RawData)]);
            return trust.TryVerifyCaller(received, now, out var fault) ? null : fault.Detail;
        }

        public void Dispose()
        {
            certificate.Dispose();
            key.Dispose();
        }
    }
}
