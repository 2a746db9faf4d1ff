using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Placement.Overlays;
using ControlPlane.Placement.Plans;
using ControlPlane.Sites;

namespace ControlPlane.Grains.Tests.Sites;

/// <summary>What goes over the link between sites survives it, and nothing else is taken for it.</summary>
public sealed class SiteMessageTests
{
    private const string Secret = "s3cret-planted";
    private const byte Compressed = 1;

    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, 123, TimeSpan.FromHours(1));
    private static readonly LeaderEpoch Leader = new("eu-1", 7);
    private static readonly DecisionStamp Decided = new(7, 639_000_000_000_000_001);

    private static readonly Reservation Held = new("eu-2", Now, Lapsed: true, "drain-1") { Decided = Decided, IsTaken = true };

    private static readonly PlacedNode Node = new("web1.example.net", "eu-1", Held, """{"customer":"ämm & \"co\""}""", 40, [1, 2, 255])
    {
        Decided = Decided, IsGone = true,
    };

    private static readonly PlacementRequest Request =
        new("web1.example.net", """{"customer":"acme"}""", """{"os":"Debian"}""", """{"rack":"12"}""", Now);

    private static readonly OverlayHeader Header = new(OverlayState.Draining, "it moves", 12, 3);
    private static readonly ContestedAnswer Contested = new("gencsr", Now, Now.AddSeconds(1));
    private static readonly Adoption Adoption = new("eu-2", "eu-1", Now);

    private static readonly NodeConfiguration Configuration = new(
        new Dictionary<string, string> { ["plugin.x"] = Secret }, Secret, Secret, "/etc/choria/ssl", Secret,
        new Dictionary<string, string> { ["rpcutil.policy"] = Secret }, new Dictionary<string, string> { ["rpcutil.rego"] = Secret })
    {
        PrivateKeyPem = Secret,
    };

    private static readonly PlanProgress Plan = new(
        "drain-1", PlanKind.Drain, "eu-1", PlanStage.Running, "why", "ann", Now, 9, "plan-drain-1-0a1b", 2, 3, 4, 5, ["web1: silent"]);

    private static readonly OverlayCall[] OverlayCalls =
    [
        new OverlayCall.Reserve([Node, PlacedNode.New("web2")]),
        new OverlayCall.GiveBack(["web1", "web2"]),
        new OverlayCall.List(new PlacesCursor("incarnation", 12)),
        new OverlayCall.SetState(OverlayState.Cordoned, "why"),
    ];

    private static readonly LeaderCall[] LeaderCalls =
    [
        new LeaderCall.Greet(3), new LeaderCall.Place(Request), new LeaderCall.Readmit("web1", "eu-2"),
        new LeaderCall.ListMoves("plan-drain-1-0a1b", "eu-1", 2_000), new LeaderCall.ReserveMoves("plan-drain-1-0a1b", ["web1", "web2"]),
        new LeaderCall.GiveBackMove("plan-drain-1-0a1b", "web1"),
    ];

    private static readonly PlacementOutcome[] Outcomes =
    [
        new PlacementOutcome.Placed("eu-1", "room", Now),
        new PlacementOutcome.Deferred("full", TimeSpan.FromSeconds(9)),
        new PlacementOutcome.Refused("no overlay"),
    ];

    private static readonly AgentCall[] AgentCalls =
    [
        new AgentCall.FetchToken(), new AgentCall.FetchInventory(), new AgentCall.MakeSigningRequest(), new AgentCall.MakeEd25519Key(),
        new AgentCall.Configure(Configuration), new AgentCall.Update("https://example.net", "0.30.2"), new AgentCall.Restart(),
        new AgentCall.ShutDown(),
    ];

    private static readonly PlacementQuestion[] PlacementQuestions =
    [
        .. OverlayCalls.Select(call => new PlacementQuestion.OfOverlay("eu-2", Leader, call)),
        .. LeaderCalls.Select(call => new PlacementQuestion.OfLeader("eu", Leader, call)),
    ];

    private static readonly PlacementReply[] PlacementReplies =
    [
        new PlacementReply.OfOverlay(new OverlayReply(Header, Leader)),
        new PlacementReply.OfOverlay(new OverlayReply(
            Header, Leader, Reserved: [new ReservationVerdict(Node, null), new ReservationVerdict(null, "full")])),
        new PlacementReply.OfOverlay(new OverlayReply(
            Header, Leader, Listed: new PlacesPage([Node], ["web2"], new PlacesCursor("incarnation", 9), IsFirst: true, IsLast: true))),
        .. Outcomes.Select(outcome => new PlacementReply.OfLeader(new LeaderAnswer(Leader, Placed: outcome))),
        new PlacementReply.OfLeader(new LeaderAnswer(Leader, Objection: "same-site")),
        new PlacementReply.OfLeader(new LeaderAnswer(Leader, Moves: new MovesPage(["web1", "web2"], IsLast: true))),
        new PlacementReply.OfLeader(new LeaderAnswer(Leader, Reserved: new MoveVerdicts(
            [MoveVerdict.Held("eu-2"), MoveVerdict.There("eu-2"), MoveVerdict.Refused("it is full")], "waits for eu-2"))),
        new PlacementReply.OfLeader(new LeaderAnswer(Leader, News: new LeaderNews(
            new PolicyVersion(4, "p", "text", "ann", Now),
            [new OverlaySnapshot("eu-1", OverlayState.Retired, 1, 2, 3, 4, 5, "why")],
            [Plan]))),
    ];

    private static readonly NodeQuestion[] NodeQuestions =
    [
        new NodeQuestion.Adopt("web1", Adoption),
        .. AgentCalls.Select(call => new NodeQuestion.Call("web1", NodeProtocol.V2, call)),
        new NodeQuestion.Contest("web1", Contested),
        new NodeQuestion.Moved("web1", "eu-1", "eu-2", Decided),
    ];

    private static readonly NodeReply[] NodeReplies =
    [
        new NodeReply(),
        new NodeReply("it was decommissioned"),
        new NodeReply(Answer: new AgentAnswer(Token: new NodeTokenReply(NodeProtocol.V1, Secret, "ecdh"))),
        new NodeReply(Answer: new AgentAnswer(Inventory: """{"facts":{}}""")),
        new NodeReply(Answer: new AgentAnswer(SigningRequest: new SigningRequestReply("pem", "/etc/choria/ssl"))),
        new NodeReply(Answer: new AgentAnswer(Ed25519Key: new Ed25519KeyReply("key", "/etc/choria", "proof"))),
        .. Enum.GetValues<AgentFailureKind>().Select(kind => new NodeReply(Answer: new AgentAnswer(
            Failure: new AgentFailure(kind, "why", NodeFault.Locked)))),
    ];

    [Fact]
    public void AListOfAHundredThousandNodes_FitsIntoAMessage()
    {
        string[] names = [.. Enumerable.Range(0, 100_000).Select(number => $"web{number:000000}.shop.eu-west.example.net")];

        var message = SiteJson.Write(names);

        Assert.True(message.Length < ISiteLink.MessageBytesMax, $"{message.Length} bytes");
        Assert.Equal(names, SiteJson.Read<string[]>(message));
    }

    [Fact]
    public void WhatIsCompressed_MayBeSoLong_AndNoLonger()
    {
        var fits = new string('a', SiteJson.BytesMax - 2);

        Assert.Equal(fits, SiteJson.Read<string>(SiteJson.Write(fits)));
        Assert.Throws<FormatException>(() => SiteJson.Read<string>(SiteJson.Write(fits + "a")));
    }

    [Theory]
    [InlineData(new byte[] { Compressed })]
    [InlineData(new byte[] { Compressed, 0xFF, 0xFF, 0x00, 0x17 })]
    public void NonsenseThatSaysItIsCompressed_IsRefused(byte[] message) =>
        Assert.Throws<FormatException>(() => SiteJson.Read<string>(message));

    [Fact]
    public void EveryMessage_IsTheSameAfterItWent()
    {
        AssertSame(PlacementQuestions);
        AssertSame(PlacementReplies);
        AssertSame(NodeQuestions);
        AssertSame(NodeReplies);
    }

    /// <summary>A case that is added is not forgotten here.</summary>
    [Fact]
    public void EveryCaseOfEachHierarchy_IsTried()
    {
        AssertAll(PlacementQuestions);
        AssertAll(PlacementReplies);
        AssertAll(OverlayCalls);
        AssertAll(LeaderCalls);
        AssertAll(Outcomes);
        AssertAll(AgentCalls);
        AssertAll(NodeQuestions);

        static void AssertAll<T>(T[] tried)
        {
            var named = typeof(T).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(one => one.DerivedType).ToHashSet();
            var cases = typeof(T).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(T)) && !type.IsAbstract).ToHashSet();
            Assert.Equal(cases, named);
            Assert.Equal(cases, tried.Select(one => one!.GetType()).ToHashSet());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("[1")]
    [InlineData("{}")]
    [InlineData("""{"$type":"reprovision"}""")]
    [InlineData("""{"$type":"reprovision","identity":"web1"}""")]
    [InlineData("""{"$type":"reprovision","identity":"web1","reason":null}""")]
    [InlineData("""{"$type":"reprovision","identity":"web1","reason":1}""")]
    [InlineData("""{"$type":"reprovision","identity":"web1","reason":"why","reason":"other"}""")]
    [InlineData("""{"$type":"reprovision","identity":"web1","identity":"web2","reason":"why"}""")]
    [InlineData("""{"$type":"reprovision","$type":"moved","identity":"web1","reason":"why"}""")]
    [InlineData("""{"$type":"destroy","identity":"web1","reason":"why"}""")]
    [InlineData("""{"$type":1,"identity":"web1","reason":"why"}""")]
    [InlineData("""{"$type":"reprovision","identity":"web1","reason":"why"}{}""")]
    [InlineData("""{"$type":"reprovision","identity":"web1","reason":"why",}""")]
    [InlineData("""{"$type":"call","identity":"web1","protocol":1,"action":{"$type":"explode"}}""")]
    [InlineData("""{"$type":"call","identity":"web1","protocol":1,"action":null}""")]
    [InlineData("""{"$type":"moved","identity":"web1","from":"a","to":"b","decided":{}}""")]
    [InlineData("""{"$type":"moved","identity":"web1","from":"a","to":"b","decided":{"epoch":1}}""")]
    [InlineData("""{"$type":"moved","identity":"web1","from":"a","to":"b","decided":null}""")]
    public void WhatIsNoMessage_IsAFormatException(string text) =>
        Assert.Throws<FormatException>(() => SiteJson.Read<NodeQuestion>(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whatever part is left out, comes twice or is of another kind: none is made up.</summary>
    [Fact]
    public void EveryMemberThatAConstructorAsksFor_MustBeThere_Once_AndOfItsKind()
    {
        Assert.All(PlacementQuestions, AssertStrict);
        Assert.All(PlacementReplies, AssertStrict);
        Assert.All(NodeQuestions, AssertStrict);
        Assert.All(NodeReplies, AssertStrict);
    }

    [Fact]
    public void WhatHoldsSecrets_DoesNotPrintThem()
    {
        Assert.All(NodeQuestions, message => Assert.DoesNotContain(Secret, $"{message}", StringComparison.Ordinal));
        Assert.All(NodeReplies, message => Assert.DoesNotContain(Secret, $"{message}", StringComparison.Ordinal));
        Assert.All(AgentCalls, call => Assert.Equal(call.GetType().Name, $"{call}"));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("3")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("4294967297")]
    [InlineData("null")]
    [InlineData("\"Open\"")]
    public void Read_Refuses_ANumberThatIsNoValueOfItsEnumeration(string number)
    {
        var message = Encoding.UTF8.GetBytes($$"""{"of":{{number}}}""");

        Assert.Contains("$.of", Assert.Throws<FormatException>(() => SiteJson.Read<Counted>(message)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TakesEveryValue_AndFlagsTogether()
    {
        Assert.Equal(Tested.Two, SiteJson.Read<Tested>("2"u8));
        Assert.Equal(TestedFlags.A | TestedFlags.B, SiteJson.Read<TestedFlags>("3"u8));
        Assert.Throws<FormatException>(() => SiteJson.Read<TestedFlags>("4"u8));
        Assert.Equal("3"u8, SiteJson.Write(TestedFlags.A | TestedFlags.B));
    }

    private enum Tested
    {
        One = 1,
        Two = 2,
    }

    [Flags]
    private enum TestedFlags
    {
        A = 1,
        B = 2,
    }

    private sealed record Counted(Tested Of);

    private static void AssertSame<T>(IEnumerable<T> messages) =>
        Assert.All(messages, message => AssertEqual(message, SiteJson.Read<T>(SiteJson.Write(message))));

    // Records compare their lists by reference: so member by member.
    private static void AssertEqual(object? expected, object? actual)
    {
        if (expected is null or string or DateTimeOffset or TimeSpan || expected.GetType() is { IsPrimitive: true } or { IsEnum: true }
            || expected.Equals(actual))
        {
            Assert.Equal(expected, actual);
        }
        else if (expected is IEnumerable many)
        {
            var (wanted, got) = (many.Cast<object?>().ToArray(), ((IEnumerable)actual!).Cast<object?>().ToArray());
            Assert.Equal(wanted.Length, got.Length);
            foreach (var (one, other) in wanted.Zip(got))
            {
                AssertEqual(one, other);
            }
        }
        else
        {
            Assert.IsType(expected.GetType(), actual);
            foreach (var member in expected.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
            {
                AssertEqual(member.GetValue(expected), member.GetValue(actual));
            }
        }
    }

    private static void AssertStrict<T>(T message)
    {
        var text = Encoding.UTF8.GetString(SiteJson.Write(message));
        foreach (var (path, name) in Members(JsonNode.Parse(text)!, []).ToArray())
        {
            if (IsRequired(message!, [.. path, name]))
            {
                AssertUnreadable(parent => parent.Remove(name));
            }

            // What is null may be an object: which one, is not told.
            if (Has(message!, [.. path, name]))
            {
                AssertUnreadable(parent => parent[name] = parent[name]?.GetValueKind() == JsonValueKind.Object ? 1 : new JsonObject());
            }

            void AssertUnreadable(Action<JsonObject> spoil)
            {
                var spoilt = JsonNode.Parse(text)!;
                spoil((JsonObject)path.Aggregate(spoilt, (at, step) => step is int index ? at![index]! : at![(string)step]!)!);
                Assert.True(IsUnreadable(spoilt.ToJsonString()), $"{string.Join('.', path)}.{name} of {text}");
            }
        }

        bool IsUnreadable(string spoilt)
        {
            try
            {
                SiteJson.Read<T>(Encoding.UTF8.GetBytes(spoilt));
                return false;
            }
            catch (FormatException)
            {
                return true;
            }
        }
    }

    private static IEnumerable<(object[] Path, string Name)> Members(JsonNode at, object[] path) => at switch
    {
        // The names of a dictionary are nobody's members.
        JsonObject dictionary when path is [.., "settings" or "actionPolicies" or "opaPolicies"] => [],
        JsonObject one => one.SelectMany(member => Members(member.Value!, [.. path, member.Key]).Prepend((path, member.Key))),
        JsonArray many => many.SelectMany((one, index) => one is null ? [] : Members(one, [.. path, index])),
        _ => [],
    };

    private static object? At(object message, object[] path) => path.Aggregate<object, object?>(message, (at, step) => step is int index
        ? ((IEnumerable)at!).Cast<object?>().ElementAt(index)
        : Property(at!, (string)step).GetValue(at));

    private static bool Has(object message, object[] path) => path[^1] is "$type" || At(message, path) is not null;

    // A member without a default in its constructor; discriminators always.
    private static bool IsRequired(object message, object[] path)
    {
        var name = (string)path[^1];
        return name == "$type" || At(message, path[..^1])!.GetType().GetConstructors()
            .SelectMany(one => one.GetParameters())
            .Any(parameter => string.Equals(parameter.Name, name, StringComparison.OrdinalIgnoreCase) && !parameter.HasDefaultValue);
    }

    private static PropertyInfo Property(object of, string name) =>
        of.GetType().GetProperty(name, BindingFlags.IgnoreCase | BindingFlags.Public | BindingFlags.Instance)!;
}
