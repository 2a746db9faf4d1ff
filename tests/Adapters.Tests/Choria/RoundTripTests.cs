namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json.Nodes;
using CsCheck;

/// <summary>What one side encodes the other decodes, whatever the strings hold; and where no capture shows it, by hand.</summary>
public sealed class RoundTripTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    // Lone surrogates are not text; everything else must survive, and Go's escapes with it.
    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.String[Gen.Char['\0', '\uD7FF'], 1, 20],
        Gen.String[Gen.Char["<>&\"\\/\b\f\n\r\t\u2028\u2029é日"], 1, 20],
        Gen.Const("😀 n"));

    private static readonly Gen<string> Operator = Gen.Int[0, 6].Select(index => new[] { "==", "!=", "<", "<=", ">", ">=", "=~" }[index]);

    private static readonly Gen<ChoriaFilter> Filter =
        from facts in Gen.Select(Text, Operator, Text, (f, o, v) => new FactFilter(f, o, v)).List[0, 2]
        from classes in Text.List[0, 2]
        from agents in Text.List[0, 2]
        from identities in Text.List[0, 2]
        from expressions in Text.List[0, 2]
        select new ChoriaFilter { Facts = facts, Classes = classes, Agents = agents, Identities = identities, Expressions = expressions };

    private static readonly Gen<TransportHeaders> Headers =
        from reply in Text
        from sender in Text
        from hop in Text
        from federated in Gen.Bool
        select new TransportHeaders(reply, sender)
        {
            Trace = [new TraceHop(hop, sender, hop)],
            Federation = federated ? new FederationHeader(hop, reply, [sender, hop]) : null,
        };

    [Theory]
    [InlineData(ChoriaProtocol.V1)]
    [InlineData(ChoriaProtocol.V2)]
    public void TryDecodeRequest_GivesBack_WhatWasEncoded(ChoriaProtocol protocol) =>
        Gen.Select(Text, Text, Filter, Headers, Gen.Int[30, int.MaxValue], Gen.Long[-9_000_000_000, 9_000_000_000]).Sample(
            (name, body, filter, headers, ttl, seconds) =>
            {
                var request = Request(protocol) with
                {
                    Sender = name,
                    Caller = name,
                    Collective = name,
                    Agent = name,
                    Filter = filter,
                    TimeToLiveSeconds = ttl,
                    UnixNanoseconds = seconds * 1_000_000_000,
                    Body = Encoding.UTF8.GetBytes(body),
                };
                var payload = ChoriaEnvelope.EncodeRequest(request, headers, RequestSigner.Insecure);
                Assert.True(ChoriaEnvelope.TryDecodeRequest(payload, out var received, out var fault), fault?.ToString());
                Assert.True(received.Proof.IsInsecure);
                Assert.Equivalent(headers, received.Headers, strict: true);
                Assert.Equivalent(filter, received.Request.Filter, strict: true);
                Assert.Equal(body, Encoding.UTF8.GetString(received.Request.Body.Span));
                Assert.Equal(request with { Filter = received.Request.Filter, Body = received.Request.Body }, received.Request);
            },
            iter: 1_000);

    [Theory]
    [InlineData(ChoriaProtocol.V1)]
    [InlineData(ChoriaProtocol.V2)]
    public void TryDecodeReply_GivesBack_WhatWasEncoded(ChoriaProtocol protocol) => Gen.Select(Text, Text, Headers).Sample(
        (sender, body, headers) =>
        {
            var reply = ChoriaReply.To(Request(protocol), sender, Now, Encoding.UTF8.GetBytes(body));
            var payload = ChoriaEnvelope.EncodeReply(reply, headers.ForReply(sender));
            Assert.True(ChoriaEnvelope.TryDecodeReply(payload, out var received, out var fault), fault?.ToString());
            Assert.Null(received.Headers.ReplySubject);
            Assert.Equivalent(headers.Federation, received.Headers.Federation, strict: true);
            Assert.Equal(body, Encoding.UTF8.GetString(received.Reply.Body.Span));
            Assert.Equal(reply with { Body = received.Reply.Body }, received.Reply);
        },
        iter: 1_000);

    [Fact]
    public void TryReadTime_GivesBack_TheSecondOfTheKsuid() =>
        Gen.Select(Gen.Long[1_400_000_000, 1_400_000_000 + (long)uint.MaxValue], Gen.Byte.Array[16]).Sample((seconds, random) =>
        {
            var ksuid = Ksuid.From(seconds, random);
            return ksuid.Length == 27 && Ksuid.TryReadTime(ksuid, out var read) && read == seconds;
        });

    [Theory]
    [InlineData("")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("2YBXZHqCjn9u9XPqNaTCk9OXKK-")]
    [InlineData("2YBXZHqCjn9u9XPqNaTCk9OXKKFF")]
    public void TryReadTime_IsFalse_ForWhatIsNoKsuid(string text) => Assert.False(Ksuid.TryReadTime(text, out _));

    [Fact]
    public void New_MakesIdsThatNodesTake()
    {
        Assert.Equal(32, RequestId.New(ChoriaProtocol.V1, Now).Length);
        Assert.True(Ksuid.TryReadTime(RequestId.New(ChoriaProtocol.V2, Now), out var seconds));
        Assert.Equal(Now.ToUnixTimeSeconds(), seconds);
    }

    [Fact]
    public void EncodeRequest_Throws_ForWhatANodeWouldDrop()
    {
        var (v1, v2) = (Request(ChoriaProtocol.V1), Request(ChoriaProtocol.V2));

        Assert.Throws<ArgumentOutOfRangeException>(() => Encode(v1 with { Id = "short" }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Encode(v1 with { TimeToLiveSeconds = 29 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Encode(v2 with { TimeToLiveSeconds = 0 }));
        Assert.ThrowsAny<ArgumentException>(() => Encode(v1 with { Body = new byte[] { 0xff } }));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(59.9999999, true)]
    [InlineData(-59.9999999, true)]
    [InlineData(60, false)]
    [InlineData(-60, false)]
    public void IsFresh_IsStrict_InBothDirections(double seconds, bool fresh) =>
        Assert.Equal(fresh, Request(ChoriaProtocol.V2).IsFresh(Now + TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void TryDecode_ReadsABodyInBase64_AsOlderClientsSendIt()
    {
        var plain = RpcutilAgent.Ping.EncodeRequest(new NoInput());
        var encoded = Encoding.ASCII.GetBytes(Convert.ToBase64String(plain));

        Assert.True(RpcRequest.TryDecode(encoded, out var request, out var fault), fault?.ToString());
        Assert.Equal(("rpcutil", "ping", "{}"), (request.Agent, request.Action, Encoding.UTF8.GetString(request.Data.Span)));
    }

    [Theory]
    [InlineData("""{"action":"x","statuscode":0,"statusmsg":"OK","data":"{}"}""")]
    [InlineData("""{"action":"x","statuscode":0,"statusmsg":"OK","data":null}""")]
    [InlineData("""{"statuscode":0}""")]
    public void TryDecode_TakesRepliesWithoutData(string body)
    {
        Assert.True(RpcReply.TryDecode(Encoding.UTF8.GetBytes(body), out var reply, out var fault), fault?.ToString());
        Assert.True(reply.IsOk);
        Assert.Equal("{}", Encoding.UTF8.GetString(reply.Data.Span));
    }

    [Fact]
    public void TryReadOutput_IsAFault_ForARepliedError()
    {
        var body = RpcReply.Failed("jwt", RpcStatus.Aborted, ProvisionErrors.Locked).Encode();

        Assert.True(RpcReply.TryDecode(body, out var reply, out _));
        Assert.Equal((false, 1, ProvisionErrors.Locked), (reply.IsOk, reply.StatusCode, reply.StatusMessage));
        Assert.False(ProvisionAgent.Jwt.TryReadOutput(reply, out _, out var fault));
        Assert.Equal((ChoriaLayer.RpcReply, "statuscode"), (fault.Layer, fault.Field));
    }

    [Fact]
    public void ActionsThatNoCaptureShows_GiveBack_WhatWasEncoded()
    {
        var state = new MachineState("check_x", "1.0.0", "OK", "/m", "i1", 1795369470, ["OK"], true);
        var states = new Dictionary<string, MachineState> { ["i1"] = state };
        AssertOutput(ChoriaUtilAgent.MachineStates, new MachineStatesOutput(["i1"], ["check_x 1.0.0"], states));
        AssertOutput(ChoriaUtilAgent.MachineState, state with { AvailableTransitions = null, Scout = false });
        AssertOutput(ChoriaUtilAgent.MachineTransition, new MachineTransitionOutput(true));
        AssertOutput(RpcutilAgent.Collectives, new CollectivesOutput("choria", ["choria"]));
        AssertOutput(RpcutilAgent.GetConfigItem, new ConfigItemOutput("registerinterval", null));
        AssertInput(ChoriaUtilAgent.MachineTransition, new MachineTransitionInput("OK", Name: "check_x"));
        AssertInput(ProvisionAgent.ReleaseUpdate, new ReleaseUpdateInput("https://r", "s", "0.30.3"));
        AssertInput(RpcutilAgent.GetData, new DataQueryInput("choria"));
        AssertInput(RpcutilAgent.GetFacts, new FactsInput("os.family,nope"));
    }

    [Theory]
    [InlineData("a", "b\nplugin.choria.server.provision=true")]
    [InlineData("a", "b\r")]
    [InlineData("a\nb", "c")]
    [InlineData("a=b", "c")]
    [InlineData("#a", "c")]
    [InlineData(" ", "c")]
    public void EncodeSettings_Throws_ForASettingThatWouldBeAnother(string key, string value)
    {
        var settings = new Dictionary<string, string> { [key] = value };

        Assert.NotNull(ConfigureInput.SettingFault(settings));
        Assert.Throws<ArgumentException>(() => ConfigureInput.EncodeSettings(settings));
    }

    [Fact]
    public void ToString_OfWhatHoldsASecret_DoesNotShowIt()
    {
        object[] inputs =
        [
            new SecretInput("s3cret"), new Gen25519Input("n", "s3cret"), new GencsrInput("s3cret"), new RestartInput(1, "s3cret"),
            new ReleaseUpdateInput("r", "s3cret", "v"), new ConfigureInput { SettingsJson = "s3cret", Token = "s3cret" },
            new JwtOutput("s3cret", ""),
        ];

        Assert.All(inputs, input => Assert.DoesNotContain("s3cret", input.ToString(), StringComparison.Ordinal));
    }

    private static ChoriaRequest Request(ChoriaProtocol protocol) => new()
    {
        Protocol = protocol,
        Id = "0123456789abcdef0123456789abcdef",
        Sender = "control.example.net",
        Caller = "control",
        Collective = "choria",
        Agent = "rpcutil",
        UnixNanoseconds = UnixTime.Nanoseconds(Now),
        Body = RpcutilAgent.Ping.EncodeRequest(new NoInput()),
    };

    private static byte[] Encode(ChoriaRequest request) =>
        ChoriaEnvelope.EncodeRequest(request, TransportHeaders.None, RequestSigner.Insecure);

    private static void AssertInput<TInput, TOutput>(RpcAction<TInput, TOutput> action, TInput input)
        where TInput : notnull
        where TOutput : notnull
    {
        Assert.True(RpcRequest.TryDecode(action.EncodeRequest(input), out var request, out _));
        Assert.Equal((action.Agent, action.Name), (request.Agent, request.Action));
        Assert.True(action.TryReadInput(request, out var read, out var fault), fault?.ToString());
        Assert.Equal(input, read);
    }

    private static void AssertOutput<TInput, TOutput>(RpcAction<TInput, TOutput> action, TOutput output)
        where TInput : notnull
        where TOutput : notnull
    {
        var body = action.EncodeReply(output);
        Assert.True(RpcReply.TryDecode(body, out var reply, out _));
        Assert.True(action.TryReadOutput(reply, out var read, out var fault), fault?.ToString());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(body), JsonNode.Parse(action.EncodeReply(read))));
    }
}
