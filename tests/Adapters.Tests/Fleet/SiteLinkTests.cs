using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Fleet.Sites;
using ControlPlane.Placement;
using ControlPlane.Sites;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Two sites that speak over a real broker.</summary>
public sealed class SiteLinkTests : IAsyncLifetime
{
    private const string Region = "eu";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Impatience = TimeSpan.FromSeconds(1);
    private static readonly byte[] Hello = "hello"u8.ToArray();

    private readonly CancellationTokenSource ending = new();
    private NatsServer server = null!;
    private NatsConnection connection = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // More than a message of ours may be, so that the limit is the one of the link.
        server = await NatsServer.StartAsync(new NatsServerSettings { Configuration = "max_payload: 2MB" }, Cancel);
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
    public async Task AskAsync_BringsTheQuestionThere_AndTheAnswerBack_OfTheChannelThatIsNamed()
    {
        Answer("eu-1", "tested-v1", asked => [.. asked.Reverse()]);
        Answer("eu-1", "other-v1", _ => "other"u8.ToArray());
        Answer("eu-2", "tested-v1", _ => "another site"u8.ToArray());

        Assert.Equal("olleh", Encoding.UTF8.GetString(await AskUntilHeardAsync("eu-1", "tested-v1", Hello)));
        Assert.Equal("other", Encoding.UTF8.GetString(await AskUntilHeardAsync("eu-1", "other-v1", Hello)));
        var largest = new byte[ISiteLink.MessageBytesMax];
        Assert.Equal(largest, await AskUntilHeardAsync("eu-1", "tested-v1", largest));
    }

    [Fact]
    public async Task AskAsync_SaysAtOnce_ThatNobodyListens() =>
        await Assert.ThrowsAsync<SiteUnreachableException>(() => AskAsync("nobody", "tested-v1", Hello, Patience));

    /// <summary>Who cannot answer is silent: whoever asked waits no longer than it wants to.</summary>
    [Fact]
    public async Task AskAsync_WaitsForSilenceNoLongerThanItsPatience_AndEndsWithItsCaller()
    {
        Answer("eu-1", "tested-v1", asked => asked.Length > 1 ? throw new TimeoutException("too slow") : asked);
        await AskUntilHeardAsync("eu-1", "tested-v1", [1]);

        await Assert.ThrowsAsync<SiteUnreachableException>(() => AskAsync("eu-1", "tested-v1", Hello, Impatience));

        using var leaving = new CancellationTokenSource(Impatience);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new SiteQuestions(connection, Region, TestedSites.Unsigned("asking"), NullLogger.Instance)
                .AskAsync("eu-1", "tested-v1", Hello, Patience, leaving.Token));
    }

    [Fact]
    public async Task Responder_AnswersNoQuestionThatCannotBeRead_SaysSo_AndAnswersTheNext()
    {
        using var log = new KeptLog();
        Answer("eu-1", "tested-v1", asked => asked[0] == 1 ? asked : throw new FormatException("no such question"), log);
        await AskUntilHeardAsync("eu-1", "tested-v1", [1]);

        await AssertUnansweredAsync(Hello, "was not answered: no such question");
        await AssertUnansweredAsync([], "cannot be read");
        await AssertUnansweredAsync(new byte[ISiteLink.MessageBytesMax + 1], "cannot be read");
        Assert.Equal([1], await AskAsync("eu-1", "tested-v1", [1], Patience));

        async Task AssertUnansweredAsync(byte[] question, string said)
        {
            await Assert.ThrowsAsync<SiteUnreachableException>(() => AskAsync("eu-1", "tested-v1", question, Impatience));
            Assert.Contains(said, log.Text.Split('\n')[^1], StringComparison.Ordinal);
        }
    }

    /// <summary>Neither question nor answer gets through a server with its usual limit; the connection goes on.</summary>
    [Fact]
    public async Task AskAsync_SaysThatTheSiteIsLost_WhenTheServerTakesNoMessageSoLarge()
    {
        await using var usual = await NatsServer.StartAsync(new NatsServerSettings(), Cancel);
        await using var asking = new NatsConnection(NatsOpts.Default with { Url = usual.Url });
        await using var answering = new NatsConnection(NatsOpts.Default with { Url = usual.Url });
        using var log = new KeptLog();
        Answer("eu-1", "tested-v1", asked => new byte[asked[0] == 1 ? 1 : ISiteLink.MessageBytesMax + 1], log, answering);
        await AskUntilHeardAsync("eu-1", "tested-v1", [1], asking);

        await Assert.ThrowsAsync<SiteUnreachableException>(
            () => AskAsync("eu-1", "tested-v1", new byte[ISiteLink.MessageBytesMax + 1], Impatience, asking));
        await Assert.ThrowsAsync<SiteUnreachableException>(() => AskAsync("eu-1", "tested-v1", [2], Impatience, asking));

        Assert.Contains("was not answered", log.Text, StringComparison.Ordinal);
        await AskUntilHeardAsync("eu-1", "tested-v1", [1], asking);
    }

    [Fact]
    public async Task Responders_OfOneSite_ShareTheQuestions()
    {
        const int Questions = 40;
        var answered = 0;
        for (var silo = 0; silo < 2; silo++)
        {
            Answer("eu-1", "tested-v1", asked =>
            {
                Interlocked.Increment(ref answered);
                return asked;
            });
        }

        await AskUntilHeardAsync("eu-1", "tested-v1", Hello);
        Interlocked.Exchange(ref answered, 0);
        await Task.WhenAll(Enumerable.Range(0, Questions).Select(_ => AskAsync("eu-1", "tested-v1", Hello, Patience)));

        Assert.Equal(Questions, answered);
    }

    /// <summary>Each has a token of its own, with what the silo says that it needs; neither may publish to the other's inbox.</summary>
    [Fact]
    public async Task AskAsync_IsAnswered_WhereBrokersGrantWhatIsNeeded_AndNothingElse()
    {
        using var pki = TestPki.Create();
        await using var broker = await ChoriaBroker.StartAsync(
            new ChoriaBrokerSettings
            {
                Access = new BrokerSettings(), Certificate = pki.ServerCertificate("broker"), Judge = login => Admit(login.User!),
            },
            Cancel);
        await using var home = Connect("eu-1");
        await using var other = Connect("eu-2");
        await using var third = Connect("eu-3");
        Answer("eu-1", "tested-v1", asked => asked, by: home);

        Assert.Equal(Hello, await AskUntilHeardAsync("eu-1", "tested-v1", Hello, other));

        // Who answers in another site's name, or listens to what it is asked, is not let.
        Answer("eu-3", "tested-v1", asked => asked, by: third);
        await Assert.ThrowsAsync<SiteUnreachableException>(() => AskAsync("eu-3", "tested-v1", Hello, Impatience, other));

        static BrokerVerdict Admit(string site)
        {
            var overlays = new OverlaysOptions { Region = Region, Local = site };
            foreach (var name in (string[])["eu-1", "eu-2"])
            {
                overlays.Members[name] = new OverlayOptions();
            }

            var needed = NeededSubjects.Of("eu-1", new FleetOptions(), overlays, "caller", "_INBOX")
                .Where(one => one.Subject.StartsWith("controlplane.sites.", StringComparison.Ordinal))
                .ToLookup(one => one.Use, one => one.Subject);
            return new BrokerVerdict.Admitted(
                BrokerParty.Client,
                BrokerAccounts.Choria,
                site,
                BrokerRights.Client(new ClientClaims
                {
                    CallerId = site,
                    PublishSubjects = [.. needed[SubjectUse.Publish]],
                    SubscribeSubjects = [.. needed[SubjectUse.Subscribe]],
                }));
        }

        NatsConnection Connect(string site) => new(NatsOpts.Default with
        {
            Url = broker.Url,
            TlsOpts = NatsTlsOpts.Default with { InsecureSkipVerify = true },
            AuthOpts = NatsAuthOpts.Default with { Username = site, Password = "x" },
            InboxPrefix = ChoriaSubjects.ReplyPrefix("choria", site),
        });
    }

    /// <summary>Whoever hears the region's subjects can repeat a question, and answer it first.</summary>
    [Fact]
    public async Task SignedQuestions_AreAnsweredOnce_AndNobodyElsesAnswerIsTaken()
    {
        using var sites = new TestedSites("eu-1", "eu-2");
        using var asker = sites.Of("eu-2");
        using var asked = sites.Of("eu-1");
        using var log = new KeptLog();
        var (answered, forged) = (0, new TaskCompletionSource<NatsMsg<byte[]>>());
        var channel = new TestedChannel("tested-v1", question =>
        {
            Interlocked.Increment(ref answered);
            forged.Task.Wait(Cancel);
            return question;
        });
        await using var listening = await connection.SubscribeCoreAsync<byte[]>(
            SiteSubjects.Of(Region, "eu-1", "tested-v1"), cancellationToken: Cancel);
        _ = new SiteResponder(connection, SiteSubjects.Of(Region, "eu-1", "tested-v1"), channel, asked, log).RunAsync(ending.Token);
        await connection.PingAsync(Cancel);

        var asking = new SiteQuestions(connection, Region, asker, log).AskAsync("eu-1", "tested-v1", Hello, Patience, Cancel);
        var heard = await listening.Msgs.ReadAsync(Cancel);
        await connection.PublishAsync(heard.ReplyTo!, "forged"u8.ToArray(), heard.Headers, cancellationToken: Cancel);
        await connection.PingAsync(Cancel);
        forged.SetResult(heard);

        Assert.Equal(Hello, await asking);
        Assert.Contains("An answer in the name of site eu-1 is not taken", log.Text, StringComparison.Ordinal);

        var inbox = SiteSubjects.AnswersOf(Region).Replace("*", "replayed", StringComparison.Ordinal);
        await connection.PublishAsync(heard.Subject, heard.Data, heard.Headers, inbox, cancellationToken: Cancel);
        await connection.PublishAsync(heard.Subject, heard.Data, replyTo: inbox, cancellationToken: Cancel);
        await Readiness.UntilAsync(
            _ => Task.FromResult(log.Text.Contains("was asked before", StringComparison.Ordinal)
                && log.Text.Contains("is not signed by a site", StringComparison.Ordinal)),
            "both are refused",
            Cancel,
            () => log.Text);
        Assert.Equal(1, answered);
    }

    [Fact]
    public void WhatIsNeeded_IsToHearWhatItsOwnSiteIsAsked_AndToAskTheOthers()
    {
        var overlays = new OverlaysOptions { Region = Region, Local = "eu-1" };
        overlays.Members["eu-1"] = new OverlayOptions();
        Assert.Empty(Needed("eu-1"));

        overlays.Members["eu-2"] = new OverlayOptions();
        Assert.Equal(["Publish controlplane.sites.eu.answers.*", "Subscribe controlplane.sites.eu.eu-1.*"], Needed("eu-1"));
        Assert.Equal(["Publish controlplane.sites.eu.eu-2.*", "Subscribe controlplane.sites.eu.answers.*"], Needed("eu-2"));

        IEnumerable<string> Needed(string network) => NeededSubjects.Of(network, new FleetOptions(), overlays, "caller", "_INBOX")
            .Where(one => one.Subject.StartsWith("controlplane.", StringComparison.Ordinal) && one.Subject.Contains("sites"))
            .Select(one => $"{one.Use} {one.Subject}").Order(StringComparer.Ordinal);
    }

    private void Answer(
        string site, string channel, Func<byte[], byte[]> answer, ILogger? log = null, INatsConnection? by = null) =>
        _ = new SiteResponder(
            by ?? connection,
            SiteSubjects.Of(Region, site, channel),
            new TestedChannel(channel, answer),
            TestedSites.Unsigned(site),
            log ?? NullLogger.Instance).RunAsync(ending.Token);

    private Task<byte[]> AskAsync(string site, string channel, byte[] question, TimeSpan patience, INatsConnection? by = null) =>
        new SiteQuestions(by ?? connection, Region, TestedSites.Unsigned("asking"), NullLogger.Instance)
            .AskAsync(site, channel, question, patience, Cancel);

    // The subscription may be on its way.
    private async Task<byte[]> AskUntilHeardAsync(string site, string channel, byte[] question, INatsConnection? by = null)
    {
        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            try
            {
                return await AskAsync(site, channel, question, Patience, by);
            }
            catch (SiteUnreachableException) when (TimeProvider.System.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(20, Cancel);
            }
        }
    }

    private sealed class TestedChannel(string name, Func<byte[], byte[]> answer) : ISiteChannel
    {
        public string Name => name;

        public Task<byte[]> AnswerAsync(string? asker, ReadOnlyMemory<byte> question, CancellationToken cancellationToken) =>
            Task.FromResult(answer(question.ToArray()));
    }
}
