using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Placement;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Two overlays that speak over a real broker.</summary>
public sealed class PlacementLinkTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource ending = new();
    private NatsServer server = null!;
    private NatsConnection connection = null!;

    private static readonly PlanProgress Plan = new(
        "drain-1", PlanKind.Drain, "eu-1", PlanStage.Running, "why", "ann", DateTimeOffset.UnixEpoch, 9, 1, 2, 3, 4, 5, []);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        server = await NatsServer.StartAsync(new NatsServerSettings(), Cancel);
        connection = new NatsConnection(NatsOpts.Default with { Url = server.Url });
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await connection.DisposeAsync();
        await server.DisposeAsync();
        ending.Dispose();
    }

    [Fact]
    public async Task AskAsync_BringsEveryFieldThereAndBack()
    {
        var request = new LinkRequest(
            LinkVerb.Report, "eu", "eu-2", "eu-1", 7, 3,
            new PlacementRequest("n", 2, "{}", """{"a":1}""", "{}"), "id", 4,
            [new LocalNode("r", 5, """{"customer":"acme"}""", 6)], IsLast: true,
            Others:
            [
                new LocalNode("o", 5, "{}", 6, "eu-3", new DecisionStamp(7, 8), LocalNodeState.Held, DateTimeOffset.UnixEpoch, "eu-2"),
            ],
            Next: "o",
            Plans: [Plan]);
        var reply = new LinkReply("eu-1", 7, true, "eu-2", "why", DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(9), true,
            new PolicyVersion(4, "p", "text", "ann", DateTimeOffset.UnixEpoch), 12, Decided: new DecisionStamp(7, 9),
            Plans: [Plan]);
        LinkRequest? heard = null;
        Answer("eu-1", asked =>
        {
            heard = asked;
            return Task.FromResult(reply);
        });

        var answered = await AskUntilHeardAsync("eu-1", request);
        Assert.Equal(reply with { Plans = null }, answered with { Plans = null });
        Assert.Equal(Plan, Assert.Single(answered.Plans!) with { Reports = Plan.Reports });
        Assert.Equal(
            request with { Residents = null, Others = null, Plans = null }, heard! with { Residents = null, Others = null, Plans = null });
        Assert.Equal(Plan, Assert.Single(heard.Plans!) with { Reports = Plan.Reports });
        Assert.Equal(request.Others, heard.Others!);
        Assert.Equal(request.Residents, heard.Residents!);
    }

    /// <summary>Each has a token of its own, with the subjects that the guide names; neither may publish to the other's inbox.</summary>
    [Fact]
    public async Task AskAsync_IsAnswered_WhereBrokersGrantWhatTokensName()
    {
        using var pki = TestPki.Create();
        await using var broker = await ChoriaBroker.StartAsync(
            new ChoriaBrokerSettings
            {
                Access = new BrokerSettings(), Certificate = pki.ServerCertificate("broker"), Judge = login => Admit(login.User!),
            },
            Cancel);
        await using var home = Connect("up=eu-1");
        await using var other = Connect("up=eu-2");
        var responder = new PlacementResponder(
            home, LinkJson.SubjectOf("eu", "eu-1"), _ => Task.FromResult(new LinkReply("eu-1", 7, true)), NullLogger.Instance);
        _ = responder.RunAsync(ending.Token);

        Assert.Equal(7, (await AskUntilHeardAsync("eu-1", Hello, other)).Epoch);

        static BrokerVerdict Admit(string caller) => new BrokerVerdict.Admitted(
            BrokerParty.Client,
            BrokerAccounts.Choria,
            caller,
            BrokerRights.Client(new ClientClaims
            {
                CallerId = caller,
                PublishSubjects = ["controlplane.placement.eu.>"],
                SubscribeSubjects = ["controlplane.placement.eu.>"],
            }));

        NatsConnection Connect(string caller) => new(NatsOpts.Default with
        {
            Url = broker.Url,
            TlsOpts = NatsTlsOpts.Default with { InsecureSkipVerify = true },
            AuthOpts = NatsAuthOpts.Default with { Username = caller, Password = "x" },
            InboxPrefix = ChoriaSubjects.ReplyPrefix("choria", caller),
        });
    }

    [Fact]
    public async Task AskAsync_SaysThatTheHomeIsLost_WhenNobodyAnswersOrTheAnswerFails()
    {
        await Assert.ThrowsAsync<LeaderUnreachableException>(() => AskAsync("nobody", Hello, TimeSpan.FromSeconds(1)));

        Answer("broken", asked => asked.Epoch == 0 ? throw new TimeoutException("too slow") : Task.FromResult(new LinkReply("x", 1, true)));
        await AskUntilHeardAsync("broken", Hello with { Epoch = 1 });
        await Assert.ThrowsAsync<LeaderUnreachableException>(() => AskAsync("broken", Hello, TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"verb":"hello"}""")]
    [InlineData("[1")]
    public void ReadOrNull_AnswersNothing_ForWhatIsNoQuestion(string text) =>
        Assert.True(LinkJson.ReadOrNull<LinkRequest>(System.Text.Encoding.UTF8.GetBytes(text)) is null or { Region: null });

    private static LinkRequest Hello { get; } = new(LinkVerb.Hello, "eu", "eu-2", "eu-1", 0);

    private void Answer(string overlay, Func<LinkRequest, Task<LinkReply>> answer) =>
        _ = new PlacementResponder(connection, LinkJson.SubjectOf("eu", overlay), answer, NullLogger.Instance).RunAsync(ending.Token);

    private Task<LinkReply> AskAsync(string overlay, LinkRequest request, TimeSpan patience, NatsConnection? by = null) =>
        NatsPlacementLink.AskAsync(by ?? connection, overlay, request, patience, Cancel);

    // The subscription may be on its way.
    private async Task<LinkReply> AskUntilHeardAsync(string overlay, LinkRequest request, NatsConnection? by = null)
    {
        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            try
            {
                return await AskAsync(overlay, request, Patience, by);
            }
            catch (LeaderUnreachableException) when (TimeProvider.System.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(20, Cancel);
            }
        }
    }
}
