using System.Diagnostics;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Benchmarks.Replication;

/// <summary>
/// Messages of 1 kB a second that reach a stream 50 ms away, each way, beside one publish at a time as Choria's Stream Replicator does it.
/// </summary>
public sealed class ReplicationBenchmark : IBenchmark, IAsyncDisposable
{
    private const string Source = "SOURCE";
    private const string Target = "TARGET";
    private const int Messages = 40_000;
    private const int OneByOne = 60;

    private static readonly TimeSpan Way = TimeSpan.FromMilliseconds(50);

    private NatsServer? _near;
    private NatsServer? _far;
    private TcpProxy? _way;
    private NatsConnection? _source;
    private NatsConnection? _target;
    private NatsConnection? _look;

    public string Name => "replication-window";

    public string Unit => "messages/s";

    public int Rounds => 3;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        _near = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, cancellationToken);
        _far = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, cancellationToken);
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
        await UntilCopiedAsync(copying, cancellationToken);
        var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        await ending.CancelAsync();
        await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Messages / seconds;
    }

    public async Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        await DeleteTargetAsync(cancellationToken);
        var (source, target) = (new NatsJSContext(_source!), new NatsJSContext(_target!));
        await target.CreateStreamAsync(new StreamConfig(Target, ["to.>"]), cancellationToken);
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

    public async ValueTask DisposeAsync()
    {
        foreach (var one in new IAsyncDisposable?[] { _source, _target, _look, _way, _near, _far })
        {
            await (one?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    private async Task UntilCopiedAsync(Task copying, CancellationToken cancellationToken)
    {
        var look = new NatsJSContext(_look!);
        while (true)
        {
            await Task.Delay(50, cancellationToken);
            if (copying.IsCompleted)
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
