using System.Diagnostics;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Benchmarks.Replication;

/// <summary>Messages of 1 kB a second that reach a stream 50 ms away, each way.</summary>
public abstract class ReplicationBenchmark(string name) : IBenchmark, IAsyncDisposable
{
    protected const string Source = "SOURCE";
    protected const string Target = "TARGET";
    protected const int Messages = 40_000;

    private static readonly TimeSpan Way = TimeSpan.FromMilliseconds(50);

    private NatsServer? _near;
    private NatsServer? _far;
    private TcpProxy? _way;
    private TcpProxy? _leafWay;
    private NatsConnection? _source;
    private NatsConnection? _target;
    private NatsConnection? _look;

    public string Name => name;

    public string Unit => "messages/s";

    public int Rounds => 3;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        // The near server is a leaf node of the far one, over the same delay, for JetStream's own sources.
        var leaf = LoopbackPort.Free();
        _far = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                JetStream = true,
                Configuration = $"jetstream {{ domain: far }}\nleafnodes {{ listen: \"127.0.0.1:{leaf}\" }}",
            },
            cancellationToken);
        _leafWay = TcpProxy.Start(leaf, Way);
        var remote = _leafWay.Url.Replace("nats://", "nats-leaf://", StringComparison.Ordinal);
        _near = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                JetStream = true,
                Configuration = $"jetstream {{ domain: near }}\nleafnodes {{ remotes: [ {{ url: \"{remote}\" }} ] }}",
            },
            cancellationToken);
        _way = TcpProxy.Start(_far.Port, Way);
        _source = new NatsConnection(new NatsOpts { Url = _near.Url });
        _target = new NatsConnection(new NatsOpts { Url = _way.Url });
        _look = new NatsConnection(new NatsOpts { Url = _far.Url });
        var source = new NatsJSContext(_source);
        await source.CreateStreamAsync(new StreamConfig(Source, ["from.>"]), cancellationToken);
        var body = new byte[1_000];
        new Random(1).NextBytes(body);
        foreach (var chunk in Enumerable.Range(0, Messages).Chunk(500))
        {
            var acks = await Task.WhenAll(chunk.Select(
                number => source.PublishAsync($"from.{number % 100}", body, cancellationToken: cancellationToken).AsTask()));
            acks[0].EnsureSuccess();
        }

        await RunOursAsync(cancellationToken);
    }

    public async Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        await DeleteTargetAsync(cancellationToken);
        var settings = new ReplicaSettings("bench", "bench", Source, Target)
        {
            SubjectPrefix = "to",
            Creation = new StreamConfig(Target, ["to.>"]),
        };
        var copier = new ReplicaCopier(
            settings, new NatsJSContext(_source!), new NatsJSContext(_target!), new Random(1), TimeProvider.System);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var begun = Stopwatch.GetTimestamp();
        var copying = copier.RunAsync(null, _ => Task.CompletedTask, _ => { }, ending.Token);
        await UntilCopiedAsync(new NatsJSContext(_look!), copying, cancellationToken);
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        await ending.CancelAsync();
        await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Messages / seconds;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        await DeleteTargetAsync(cancellationToken);
        return await RunReferenceAsync(
            new NatsJSContext(_source!), new NatsJSContext(_target!), new NatsJSContext(_look!), cancellationToken);
    }

    private protected abstract Task<double> RunReferenceAsync(
        NatsJSContext source, NatsJSContext target, NatsJSContext far, CancellationToken cancellationToken);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var one in new IAsyncDisposable?[] { _source, _target, _look, _way, _leafWay, _near, _far })
        {
            await (one?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    private protected static async Task UntilCopiedAsync(NatsJSContext look, Task copying, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(50, cancellationToken);
            if (copying.IsFaulted)
            {
                await copying;
            }

            try
            {
                if ((await look.GetStreamAsync(Target, cancellationToken: cancellationToken)).Info.State.Messages >= Messages)
                {
                    return;
                }
            }
            catch (NatsJSApiException)
            {
                // Not made yet.
            }
        }
    }

    private async Task DeleteTargetAsync(CancellationToken cancellationToken)
    {
        try
        {
            await new NatsJSContext(_look!).DeleteStreamAsync(Target, cancellationToken);
        }
        catch (NatsJSApiException)
        {
            // There is none.
        }
    }
}

/// <summary>Beside one publish at a time, as Choria's Stream Replicator does it.</summary>
public sealed class ReplicationWindow() : ReplicationBenchmark("replication-window")
{
    private const int OneByOne = 60;

    private protected override async Task<double> RunReferenceAsync(
        NatsJSContext source, NatsJSContext target, NatsJSContext far, CancellationToken cancellationToken)
    {
        await far.CreateStreamAsync(new StreamConfig(Target, ["to.>"]), cancellationToken);
        var reader = await source.OpenReaderAsync(Source, _ => { }, cancellationToken);
        var begun = Stopwatch.GetTimestamp();
        await foreach (var message in reader.FetchAsync(
            new NatsJSFetchOpts { MaxMsgs = OneByOne }, NatsRawSerializer<byte[]>.Default, cancellationToken))
        {
            var ack = await target.PublishAsync(
                $"to.{message.Subject}", message.Data, NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
            ack.EnsureSuccess();
        }

        return OneByOne / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }
}

/// <summary>Beside JetStream's own <c>sources</c>, over a leaf node.</summary>
public sealed class ReplicationSources() : ReplicationBenchmark("replication-sources")
{
    private protected override async Task<double> RunReferenceAsync(
        NatsJSContext source, NatsJSContext target, NatsJSContext far, CancellationToken cancellationToken)
    {
        var sourced = new StreamSource { Name = Source, External = new ExternalStreamSource { Api = "$JS.near.API" } };
        var begun = Stopwatch.GetTimestamp();
        await far.CreateStreamAsync(new StreamConfig { Name = Target, Sources = [sourced] }, cancellationToken);
        await UntilCopiedAsync(far, Task.CompletedTask, cancellationToken);
        return Messages / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }
}
