using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>Our own streams on a broker whose account has limits (issue 12, 18).</summary>
public sealed class OverlayStreamsTests
{
    private const string Limited = """
        accounts { A: { users: [ { user: a, password: a } ], jetstream: { max_file: 64MB, max_mem: 1MB, max_bytes_required: true } } }
        no_auth_user: a
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FindFaultAsync_SaysWhichStreamCannotBeMade_AndWhy()
    {
        await using var broker = await StartAsync();
        await using var parts = new FleetParts(overlay: broker.Url);

        var fault = await new OverlayStreamsTrial(parts.Streams).FindFaultAsync(Cancel);

        Assert.Contains("controlplane_london_state", fault, StringComparison.Ordinal);
        Assert.Contains("insufficient storage", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FindFaultAsync_MakesWhatIsMissing_WithinTheAccountsLimits()
    {
        await using var broker = await StartAsync();
        await using var parts = new FleetParts(overlay: broker.Url, configure: Small);
        var trial = new OverlayStreamsTrial(parts.Streams);

        Assert.Null(await trial.FindFaultAsync(Cancel));
        await using var connection = new NatsConnection(new NatsOpts { Url = broker.Url });
        await new NatsJSContext(connection).DeleteStreamAsync("controlplane_london_state", Cancel);
        Assert.Null(await trial.FindFaultAsync(Cancel));

        var state = await new NatsJSContext(connection).GetStreamAsync("controlplane_london_state", cancellationToken: Cancel);
        Assert.Equal((8L << 20, 1L), (state.Info.Config.MaxBytes, (long)state.Info.State.Messages));
    }

    [Fact]
    public async Task StateRegister_CanBeMade_WhereLimitsAreDemanded()
    {
        await using var broker = await StartAsync();
        await using var connection = new NatsConnection(new NatsOpts { Url = broker.Url });

        await new StateRegister(new NatsJSContext(connection), new ProviderNames("service", "provider"), 1).EnsureAsync(Cancel);
    }

    private static void Small(FleetOptions options) =>
        options.StateBytesMax = options.AdvisoriesBytesMax = options.ChangesBytesMax = options.CertificatesBytesMax =
            options.AuditBytesMax = options.JobsBytesMax = 8L << 20;

    private static Task<NatsServer> StartAsync() =>
        NatsServer.StartAsync(new NatsServerSettings { JetStream = true, Configuration = Limited }, Cancel);
}
