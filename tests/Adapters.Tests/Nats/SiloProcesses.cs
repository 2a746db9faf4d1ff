using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Silos of <c>tests/StreamHost</c> in one cluster over a real Redis, that read streams of a real nats-server.</summary>
internal sealed class SiloProcesses : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("controlplane-streams-").FullName;
    private readonly List<int> _ports = [];

    // Replaced whole, never changed: the supervision restarts silos while the test reads what they said.
    private ImmutableArray<ChildProcess> _processes = [];
    private ImmutableArray<string> _past = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly IReadOnlyList<string> _streams;
    private readonly NatsServer _nats;
    private readonly RedisServer _redis;
    private Task _supervision = Task.CompletedTask;

    private SiloProcesses(IReadOnlyList<string> streams, NatsServer nats, RedisServer redis)
    {
        _streams = streams;
        _nats = nats;
        _redis = redis;
        Connection = StreamCluster.Connect(nats.Url);
    }

    public NatsConnection Connection { get; }

    public IReadOnlyList<ChildProcess> Processes => _processes;

    public string Output => string.Join(
        "\n---\n",
        [$"supervision: {_supervision.Exception?.Message ?? "no fault"}", .. _past, .. _processes.Select(process => process.Output)]);

    public static async Task<SiloProcesses> StartAsync(IReadOnlyList<string> streams, int count, CancellationToken cancellationToken)
    {
        var nats = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, cancellationToken);
        var silos = new SiloProcesses(streams, nats, await RedisServer.StartAsync(cancellationToken));
        try
        {
            foreach (var stream in streams)
            {
                await StreamCluster.MakeStreamAsync(silos.Connection, stream, cancellationToken);
            }

            for (var index = 0; index < count; index++)
            {
                var port = LoopbackPort.Free();
                silos._ports.Add(port);
                silos._processes = silos._processes.Add(silos.Start(port));
            }

            await Readiness.UntilAsync(
                _ => Task.FromResult(silos._processes.All(process => process.Output.Contains("ready", StringComparison.Ordinal))),
                "the silos",
                cancellationToken,
                () => silos.Output,
                TimeSpan.FromMinutes(3));
            return silos;
        }
        catch
        {
            await silos.DisposeAsync();
            throw;
        }
    }

    /// <summary>Which of the processes reads a stream now: its consumer says so.</summary>
    public async Task<int> OwnerOfAsync(string stream, CancellationToken cancellationToken)
    {
        var newest = (Created: DateTimeOffset.MinValue, Owner: -1);
        await foreach (var consumer in new NatsJSContext(Connection).ListConsumersAsync(stream, cancellationToken))
        {
            var owner = _ports.FindIndex(port =>
                consumer.Info.Config.Description!.Contains($"127.0.0.1:{port}@", StringComparison.Ordinal));
            newest = consumer.Info.Created > newest.Created ? (consumer.Info.Created, owner) : newest;
        }

        return newest.Owner;
    }

    /// <summary>From now on each silo that ends is started again, on its port.</summary>
    public void Supervise() => _supervision = SuperviseAsync(_ending.Token);

    /// <summary>How many silos ended and were started again.</summary>
    public int Deaths { get; private set; }

    /// <summary>What all silos' grains were given, in order of time.</summary>
    public SiloHistory ReadHistory() => new(
        [.. Directory.EnumerateFiles(_folder).SelectMany(Read).OrderBy(one => one.Position)]);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();

        // A silo that could not be started again is the test's to report, and no reason to leave the others running.
        await _supervision.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        await Connection.DisposeAsync();
        await _nats.DisposeAsync();
        await _redis.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task SuperviseAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            for (var index = 0; index < _processes.Length; index++)
            {
                if (_processes[index] is { HasExited: true } ended)
                {
                    Deaths++;
                    _past = _past.Add(ended.Output);
                    await ended.DisposeAsync();
                    _processes = _processes.SetItem(index, Start(_ports[index]));
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None);
        }
    }

    private ChildProcess Start(int port)
    {
        var start = new ProcessStartInfo("dotnet");
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "stream-host.dll"), $"{port}", _redis.ConnectionString, _nats.Url,
            Path.Combine(_folder, $"{port}"), .. _streams,
        ];
        arguments.ToList().ForEach(start.ArgumentList.Add);
        return ChildProcess.Start(start, "the .NET SDK that global.json names");
    }

    // A silo may be in the middle of a line.
    private static IEnumerable<Delivered> Read(string path)
    {
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var text = file.ReadToEnd();
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = line.Split(' ');
            yield return new Delivered(
                "",
                new TestEvent(words[1], words[2], int.Parse(words[3], CultureInfo.InvariantCulture)),
                long.Parse(words[0], CultureInfo.InvariantCulture),
                Path.GetFileName(path));
        }
    }
}

/// <summary>What was delivered; <see cref="Delivered.Position"/> is the time here.</summary>
internal sealed record SiloHistory(IReadOnlyList<Delivered> Delivered)
{
    public IReadOnlyList<string> Faults(IEnumerable<(string Source, string Identity)> sent, int count) =>
        History.Faults(Delivered, sent, count);
}
