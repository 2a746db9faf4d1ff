using System.Collections.Concurrent;
using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats.Callout;
using NATS.Client.Core;
using NATS.NKeys;

namespace ControlPlane.TestKit;

/// <summary>
/// Stands for a Choria broker, and is as strict: a real nats-server with the accounts of one, whose auth callout is answered as the
/// recorded brokers decided.
/// </summary>
/// <remarks>
/// Not there: federation, organisations' own subjects of JetStream (<c>choria.streams.&gt;</c>), the provisioners' leader election, data
/// adapters.
/// </remarks>
public sealed class ChoriaBroker : IAsyncDisposable
{
    private const string CalloutAccount = "callout";

    /// <summary>A herd asks all at once.</summary>
    private const int QuestionsMax = 1 << 17;

    private readonly ChoriaBrokerSettings settings;
    private readonly CalloutKeys keys = new(KeyPair.CreatePair(PrefixByte.Account).GetSeed());
    private readonly string password = RandomNumberGenerator.GetHexString(24);
    private readonly CancellationTokenSource ending = new();
    private readonly List<Task> working = [];
    private NatsServer? server;
    private ClientCertificateFront? front;
    private NatsConnection? asked;

    private ChoriaBroker(ChoriaBrokerSettings settings) => this.settings = settings;

    /// <summary>The nats-server below: to stop it, to start it again, to read its log.</summary>
    public NatsServer Server => server!;

    public string Url => Server.Url;

    /// <summary>Whom it refused, in the broker's words.</summary>
    public ConcurrentQueue<BrokerVerdict.Refused> Refusals { get; } = [];

    /// <summary>Starts one and waits until it lets clients in; its streams may come later.</summary>
    public static async Task<ChoriaBroker> StartAsync(ChoriaBrokerSettings settings, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var broker = new ChoriaBroker(settings);
        try
        {
            await broker.StartAsync(cancellationToken);
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the ended server again on the same port, and waits until it lets clients in.</summary>
    /// <remarks>A Choria broker decides by itself and never listens without deciding; this one is asked over a connection.</remarks>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await Server.RestartAsync(cancellationToken);
        while (!await HearsQuestionsAsync(cancellationToken))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await (front?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (asked?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Task.WhenAll(working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
        keys.Dispose();
        ending.Dispose();
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        // A nats-server demands certificates of all clients or asks none for them; a Choria broker with a CA looks at those that are shown.
        var isFronted = settings.Access.VerifiesCertificates;
        var tls = settings.Certificate;
        server = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                Program = NatsPrograms.WithAuthCallout,
                Name = settings.Name,
                JetStream = settings.StreamsAfter is not null,
                DataFolder = settings.DataFolder,
                Tls = isFronted ? null : new NatsServerTls(tls.CertificatePath, tls.KeyPath),
                Configuration = Configuration(),
            },
            cancellationToken);
        if (isFronted)
        {
            front = new ClientCertificateFront(server.Port, tls, settings.AuthorityPath!);
            server.FrontPort = front.Port;
        }

        asked = Connect(CalloutAccount);
        var questions = await asked.SubscribeCoreAsync<byte[]>(
            AuthorizationRequest.Subject,
            opts: new NatsSubOpts { ChannelOpts = new NatsSubChannelOpts { Capacity = QuestionsMax } },
            cancellationToken: cancellationToken);
        await asked.PingAsync(cancellationToken);
        working.Add(AnswerAsync(questions));
        if (settings.StreamsAfter is { } delay)
        {
            var making = ChoriaBrokerStreams.MakeAsync(() => Connect(BrokerAccounts.Choria), delay, ending.Token);
            working.Add(making);
            await (delay == TimeSpan.Zero ? making : Task.CompletedTask);
        }
    }

    // A client subscribes anew before it sends anything else over a new connection, and over the old one no answer comes any more.
    private async Task<bool> HearsQuestionsAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(1));
        try
        {
            await asked!.PingAsync(patience.Token);
            return true;
        }
        catch (Exception e) when (e is NatsException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    // Users that clients cannot guess, since a client that names one is not asked about.
    private string Configuration() => $$"""
        system_account: {{BrokerAccounts.System}}
        accounts {
          {{BrokerAccounts.System}} { }
          {{BrokerAccounts.Provisioning}} { exports: [ { stream: "{{ChoriaSubjects.AllLifecycle}}" } ] }
          {{BrokerAccounts.Choria}} {
            {{(settings.StreamsAfter is null ? "" : "jetstream: enabled")}}
            imports: [ { stream: { account: {{BrokerAccounts.Provisioning}}, subject: "{{ChoriaSubjects.AllLifecycle}}" } } ]
            users: [ { user: "{{UserOf(BrokerAccounts.Choria)}}", password: "{{password}}" } ]
          }
          {{CalloutAccount}} { users: [ { user: "{{UserOf(CalloutAccount)}}", password: "{{password}}" }{{NonceOfferer()}} ] }
        }
        authorization {
          timeout: 30
          auth_callout {
            issuer: {{keys.Issuer}}
            account: {{CalloutAccount}}
            auth_users: [ "{{UserOf(CalloutAccount)}}", "{{UserOf(BrokerAccounts.Choria)}}" ]
          }
        }
        """;

    private string UserOf(string account) => $"{account}-{password}";

    // A nats-server offers a nonce when some user has an nkey, a Choria broker when tokens may be shown. Nobody knows this one's seed.
    private string NonceOfferer()
    {
        using var nobody = KeyPair.CreatePair(PrefixByte.User);
        var access = settings.Access;
        var believesTokens = access.Issuers.Count + access.ClientSigners.Count + access.ServerSigners.Count > 0;
        return believesTokens ? $", {{ nkey: {nobody.GetPublicKey()} }}" : "";
    }

    private NatsConnection Connect(string account) => new(NatsOpts.Default with
    {
        Url = $"nats://127.0.0.1:{Server.Port}",
        TlsOpts = NatsTlsOpts.Default with
        {
            Mode = settings.Access.VerifiesCertificates ? TlsMode.Disable : TlsMode.Require,
            InsecureSkipVerify = true,
        },
        AuthOpts = NatsAuthOpts.Default with { Username = UserOf(account), Password = password },
        MaxReconnectRetry = -1,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(20),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(100),
    });

    private async Task AnswerAsync(INatsSub<byte[]> questions)
    {
        await foreach (var question in questions.Msgs.ReadAllAsync(ending.Token))
        {
            if (keys.TryRead(question.Data!, serverXKey: null, out var request, out _))
            {
                await question.ReplyAsync(Answer(request), cancellationToken: ending.Token);
            }
        }
    }

    private byte[] Answer(AuthorizationRequest request)
    {
        var now = TimeProvider.System.GetUtcNow();
        var logIn = new BrokerLogIn(
            ClientCertificateFront.TlsOf(request),
            request.Connect.Token,
            request.Connect.Signature,
            request.Client.Nonce,
            request.Connect.User,
            request.Connect.Password);
        switch (settings.Judge is { } judge ? judge(logIn) : BrokerDecision.Judge(settings.Access, logIn, now))
        {
            case BrokerVerdict.Admitted admitted:
                return keys.Admit(request, BrokerGrant.Of(admitted, admitted.User, admitted.Account), now);
            case BrokerVerdict.Refused refused:
                Refusals.Enqueue(refused);
                return keys.Refuse(request, refused.Reason, now);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
