using ControlPlane.Access;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Tests.Fleet;
using ControlPlane.Store;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Store;

/// <summary>The record of calls on real brokers, old and new.</summary>
public sealed class AuditLogTests
{
    public static TheoryData<string> Programs => [NatsPrograms.WithAuthCallout, NatsPrograms.Newest];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task TwoSilos_AppendSideBySide_AndNothingForksOrIsLost(string program)
    {
        await using var broker = await StartAsync(program);
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Audit);
        using var signer = new KeySigner();
        using var one = new AuditSilo(log, "one", signer: signer);
        using var two = new AuditSilo(log, "two", signer: signer);

        // And a third process by the name of the second.
        using var again = new AuditSilo(log, "two", signer: signer);
        AuditSilo[] silos = [one, two, again];
        await Task.WhenAll(Enumerable.Range(0, 300).Select(number => silos[number % 3].CallAsync($"web{number}")));
        await Task.WhenAll(silos.Select(silo => silo.SettleAsync()));
        await Task.WhenAll(silos.Select(silo => silo.CheckpointAsync()));

        var lines = await log.LinesAsync(Cancel);
        var records = await log.RecordsAsync(Cancel);
        Assert.Equal(600, records.DistinctBy(record => (record.Id, record.Kind)).Count());
        Assert.Equal(600, records.Count);
        var findings = lines.Verify(TimeProvider.System.GetUtcNow(), signer.PublicKey);
        Assert.Empty(findings.Faults);
        Assert.Equal(["one", "two"], findings.Chains);
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task TheStream_CanBeNeitherPurgedNorHaveRecordsDeleted(string program)
    {
        await using var broker = await StartAsync(program);
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Audit);
        using var silo = new AuditSilo(log);
        await silo.BeginAsync("web1");
        var stream = await parts.Streams.AskAsync(
            Logs.Audit, async (store, limit) => await store.JetStream.GetStreamAsync(store.Name, cancellationToken: limit), Cancel);

        await Assert.ThrowsAsync<NatsJSApiException>(async () => await stream.PurgeAsync(new StreamPurgeRequest(), Cancel));
        await Assert.ThrowsAsync<NatsJSApiException>(
            async () => await stream.DeleteMessageAsync(new StreamMsgDeleteRequest { Seq = 1 }, Cancel));
        Assert.Single(await log.RecordsAsync(Cancel));
    }

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task Calls_AreRefusedWhileTheBrokerIsAway_AndWhatItLostComesFromTheJournal(string program)
    {
        await using var broker = await StartAsync(program);
        await using var parts = new FleetParts(overlay: broker.Url);
        var log = new OverlayLog(parts.Streams, Logs.Audit);
        using var silo = new AuditSilo(log, journal: new MemoryJournal());
        await silo.CallAsync("web1");
        await silo.SettleAsync();

        await broker.StopAsync();
        await Assert.ThrowsAsync<AuditUnavailableException>(() => silo.BeginAsync("web2"));
        broker.LoseStore();
        await broker.RestartAsync(Cancel);
        await silo.SettleAsync();
        await silo.CallAsync("web3");
        await silo.SettleAsync();

        var records = await log.RecordsAsync(Cancel);
        Assert.Equal(["web1", "web2", "web3"], records.Where(record => record.Kind == AuditKind.Call).Select(record => record.On!.Node!));
        var refused = Assert.Single(records, record => record.Kind == AuditKind.Outcome && record.On?.Node == "web2");
        Assert.StartsWith("not made", refused.Outcome);
        Assert.Empty((await log.LinesAsync(Cancel)).Verify().Faults);
    }

    private static Task<NatsServer> StartAsync(string program) =>
        NatsServer.StartAsync(new NatsServerSettings { JetStream = true, Program = program }, Cancel);
}
