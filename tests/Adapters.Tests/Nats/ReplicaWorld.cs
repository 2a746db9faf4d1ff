using System.Globalization;
using System.Text;
using System.Text.Json;
using ControlPlane.Adapters.Nats;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>Two servers, a stream on the first, and replicators that copy it to the second, where a proxy is in between.</summary>
internal sealed class ReplicaWorld : IAsyncDisposable
{
    public const string Source = "EVENTS";
    public const string Target = "EVENTS_COPY";
    public const string Link = "test";

    private readonly List<NatsConnection> _connections = [];

    private ReplicaWorld(NatsServer near, NatsServer far)
    {
        (Near, Far) = (near, far);
        Proxy = TcpProxy.Start(far.Port);
    }

    public NatsServer Near { get; }

    public NatsServer Far { get; }

    public TcpProxy Proxy { get; }

    public NatsJSContext There => field ??= Connect(Far.Url);

    public NatsJSContext Here => field ??= Connect(Near.Url);

    /// <summary>What was kept of the link; every replicator begins with it.</summary>
    public ReplicaCheckpoint? Checkpoint { get; set; }

    public ReplicaProgress? Progress { get; private set; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ReplicaWorld> StartAsync(string? program = null)
    {
        var settings = new NatsServerSettings { JetStream = true, Program = program ?? NatsPrograms.Installed };
        return new ReplicaWorld(await NatsServer.StartAsync(settings, Token), await NatsServer.StartAsync(settings, Token));
    }

    public static ReplicaSettings Settings(params string[] subjects) => new(Link, "overlay-1", Source, Target)
    {
        Subjects = subjects,
        SubjectPrefix = "copy",
        WindowMessagesMax = 200,
        Creation = new StreamConfig(Target, ["copy.>"]),
    };

    public async Task MakeSourceAsync(Action<StreamConfig>? configure = null)
    {
        var stream = new StreamConfig(Source, ["events.>"]);
        configure?.Invoke(stream);
        await Here.CreateStreamAsync(stream, Token);
    }

    public async Task PublishAsync(int first, int count, string subject = "events.a", NatsHeaders? headers = null)
    {
        for (var number = first; number < first + count; number++)
        {
            var ack = await Here.PublishAsync(subject, Body(number), headers: headers, cancellationToken: Token);
            ack.EnsureSuccess();
        }
    }

    /// <summary>Copies until it is cancelled, or the connection fails, over connections of its own.</summary>
    public async Task CopyAsync(ReplicaSettings settings, CancellationToken cancellationToken)
    {
        await using var source = new NatsConnection(Options(Near.Url));
        await using var target = new NatsConnection(Options(Proxy.Url));
        var copier = new ReplicaCopier(
            settings, new NatsJSContext(source), new NatsJSContext(target), new Random(), TimeProvider.System);
        await copier.RunAsync(
            Checkpoint,
            checkpoint =>
            {
                Checkpoint = ReplicaCheckpoint.Read(checkpoint.ToJson());
                return Task.CompletedTask;
            },
            progress => Progress = progress,
            cancellationToken);
    }

    /// <summary>Copies, again and again when it fails, until the target ends as wanted.</summary>
    public async Task CopyUntilAsync(ReplicaSettings settings, Func<IReadOnlyList<Copied>, bool> isDone)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var copying = KeepCopyingAsync(settings, ending.Token);
        await UntilAsync(isDone);
        await ending.CancelAsync();
        await copying;
    }

    public async Task KeepCopyingAsync(ReplicaSettings settings, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await CopyAsync(settings, cancellationToken);
            }
            catch (Exception broken) when (broken is NatsException or OperationCanceledException or ReplicaFaultException)
            {
                await Task.Delay(20, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public Task UntilAsync(Func<IReadOnlyList<Copied>, bool> isDone)
    {
        IReadOnlyList<Copied> last = [];
        return Readiness.UntilAsync(
            async _ => isDone(last = await CopiesAsync()),
            "the copies",
            Token,
            () => $"{last.Count} copies, last {(last is [.., var end] ? end : null)}");
    }

    /// <summary>All that the target holds, in order.</summary>
    public async Task<IReadOnlyList<Copied>> CopiesAsync()
    {
        try
        {
            var reader = await There.OpenReaderAsync(Target, _ => { }, Token);
            return await reader.ReadToEndAsync(Token).Select(message => new Copied(
                message.Subject, message.Data is { } data ? Encoding.UTF8.GetString(data) : "", message.Headers)).ToListAsync(Token);
        }
        catch (NatsJSApiException missing) when (missing.Error.Code == 404)
        {
            return [];
        }
    }

    /// <summary>That the target holds these numbers in order, each once, and no gap.</summary>
    public async Task AssertCopiedAsync(int count) => Assert.Equal(
        Enumerable.Range(1, count).Select(Text), (await CopiesAsync()).Select(copy => copy.Text));

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
        {
            await connection.DisposeAsync();
        }

        await Proxy.DisposeAsync();
        await Near.DisposeAsync();
        await Far.DisposeAsync();
    }

    private static byte[] Body(int number) => Encoding.UTF8.GetBytes(Text(number));

    private static NatsOpts Options(string url) => NatsOpts.Default with
    {
        Url = url,
        RetryOnInitialConnect = true,
        RequestTimeout = TimeSpan.FromSeconds(2),
        HeaderEncoding = Encoding.Latin1,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(20),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(200),
    };

    private NatsJSContext Connect(string url)
    {
        var connection = new NatsConnection(Options(url));
        _connections.Add(connection);
        return new NatsJSContext(connection);
    }
}

/// <param name="Subject">Its subject.</param>
/// <param name="Text">Its content.</param>
/// <param name="Headers">Its headers.</param>
internal sealed record Copied(string Subject, string Text, NatsHeaders? Headers)
{
    public bool IsGap => Headers?.ContainsKey(ReplicaHeaders.Gap) == true;

    public JsonElement Gap => JsonDocument.Parse(Text).RootElement;

    public string Header(string name) => Headers![name].ToString();
}
