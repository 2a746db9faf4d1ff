using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Tokens;

namespace ControlPlane.Adapters.Tests.FleetSimulator;

/// <summary>A provisioner as small as it can be: one connection, the calls that a node needs, nothing decided or kept.</summary>
internal sealed class TestProvisioner : ILinkListener, IAsyncDisposable
{
    private const string Caller = "choria=provisioner.mcollective";
    private static readonly TimeSpan ReplyTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeProvider Time = TimeProvider.System;

    private readonly ConcurrentDictionary<string, TaskCompletionSource<ReceivedReply>> waiting = [];
    private readonly ConcurrentQueue<ReceivedReply> replies = [];
    private readonly NatsLink link;
    private readonly X509Certificate2 authority;
    private readonly Ed25519Key issuer;

    private TestProvisioner(NatsLink link, X509Certificate2 authority, Ed25519Key issuer, string sender)
    {
        this.link = link;
        this.authority = authority;
        this.issuer = issuer;
        Sender = sender;
        link.Subscribe(Encoding.UTF8.GetBytes(ChoriaSubjects.AllReplies(ChoriaSubjects.ProvisioningCollective, Caller)), this);
        link.Subscribe("choria.lifecycle.event.>"u8, new EventListener(Events));
    }

    public ConcurrentQueue<LifecycleEvent> Events { get; } = [];

    /// <summary>Every reply that came, duplicates too.</summary>
    public IReadOnlyCollection<ReceivedReply> Replies => replies;

    public string Sender { get; }

    public string Secret { get; set; } = "s3cret";

    public static async Task<TestProvisioner> ConnectAsync(
        string url,
        X509Certificate2 authority,
        Ed25519Key issuer,
        CancellationToken cancellationToken,
        string sender = "provisioner.example.net")
    {
        var link = await NatsLink.OpenAsync(BrokerAddress.ReadList(url)[0], new Credentials(sender), resumeTls: true, cancellationToken);
        return new TestProvisioner(link, authority, issuer, sender);
    }

    /// <summary>All steps for a node: it restarts into the network of <paramref name="brokers"/>.</summary>
    public async Task EnrolAsync(string identity, ChoriaProtocol protocol, string brokers)
    {
        var data = new JsonObject { ["token"] = Secret, ["server_jwt"] = "", ["certificate"] = "", ["ca"] = "", ["ssldir"] = "" };
        await CallAsync(identity, protocol, "choria_provision", "jwt", Token());
        await CallAsync(identity, protocol, "rpcutil", "inventory", []);
        var settings = Settings(identity, brokers);
        if (protocol == ChoriaProtocol.V1)
        {
            var made = await CallAsync(identity, protocol, "choria_provision", "gencsr", Token(("cn", identity)));
            data["certificate"] = Sign(made.GetProperty("csr").GetString()!);
            data["ca"] = authority.ExportCertificatePem();
            data["ssldir"] = made.GetProperty("ssldir").GetString();
            settings["plugin.security.provider"] = "file";
        }
        else
        {
            var made = await CallAsync(identity, protocol, "choria_provision", "gen25519", Token(("nonce", "0123456789abcdef")));
            data["server_jwt"] = ServerToken(identity, made.GetProperty("public_key").GetString()!);
            settings["plugin.security.provider"] = "choria";
            settings["plugin.security.issuer.names"] = "choria";
            settings["plugin.security.issuer.choria.public"] = issuer.PublicKeyHex;
        }

        data["config"] = settings.ToJsonString();
        await CallAsync(identity, protocol, "choria_provision", "configure", data);
        var restart = Token();
        restart["splay"] = 1;
        await CallAsync(identity, protocol, "choria_provision", "restart", restart);
    }

    public JsonObject Token(params (string Name, string Value)[] inputs)
    {
        var data = new JsonObject { ["token"] = Secret };
        foreach (var (name, value) in inputs)
        {
            data[name] = value;
        }

        return data;
    }

    /// <summary>Calls an action and demands that it worked.</summary>
    public async Task<JsonElement> CallAsync(string identity, ChoriaProtocol protocol, string agent, string action, JsonObject data)
    {
        var reply = await AskAsync(identity, protocol, agent, action, data);
        Assert.True(reply.GetProperty("statuscode").GetInt32() == 0, reply.GetProperty("statusmsg").GetString());
        return reply.GetProperty("data");
    }

    /// <summary>Calls an action and returns the body of the reply.</summary>
    public async Task<JsonElement> AskAsync(string identity, ChoriaProtocol protocol, string agent, string action, JsonObject data)
    {
        var body = new JsonObject { ["agent"] = agent, ["action"] = action, ["data"] = data.DeepClone() };
        var subject = ChoriaSubjects.Node(ChoriaSubjects.ProvisioningCollective, identity);
        var (id, reply) = Ask(subject, protocol, agent, Encoding.UTF8.GetBytes(body.ToJsonString()));
        try
        {
            using var read = JsonDocument.Parse((await reply.WaitAsync(ReplyTimeout)).Reply.Body);
            return read.RootElement.Clone();
        }
        finally
        {
            waiting.TryRemove(id, out _);
        }
    }

    /// <summary>Broadcasts a discovery; its answers end up in <see cref="Replies"/>.</summary>
    public void Discover(ChoriaProtocol protocol) => Ask(
        ChoriaSubjects.Broadcast(ChoriaSubjects.ProvisioningCollective, Discovery.Agent), protocol, Discovery.Agent, Discovery.Ping);

    public void Receive(ReadOnlySpan<byte> payload)
    {
        Assert.True(ChoriaEnvelope.TryDecodeReply(payload, out var reply, out var fault), fault?.ToString());
        replies.Enqueue(reply);
        if (waiting.TryGetValue(reply.Reply.RequestId, out var waiter))
        {
            waiter.TrySetResult(reply);
        }
    }

    public ValueTask DisposeAsync() => link.DisposeAsync();

    private static JsonObject Settings(string identity, string brokers) => new()
    {
        ["identity"] = identity,
        ["collectives"] = "mcollective",
        ["plugin.choria.server.provision"] = "false",
        ["plugin.choria.middleware_hosts"] = brokers,
        ["plugin.choria.use_srv"] = "false",
    };

    private (string Id, Task<ReceivedReply> Reply) Ask(string subject, ChoriaProtocol protocol, string agent, ReadOnlyMemory<byte> body)
    {
        var now = Time.GetUtcNow();
        var request = new ChoriaRequest
        {
            Protocol = protocol,
            Id = RequestId.New(protocol, now),
            Sender = Sender,
            Caller = Caller,
            Collective = ChoriaSubjects.ProvisioningCollective,
            Agent = agent,
            UnixNanoseconds = UnixTime.Nanoseconds(now),
            Filter = ChoriaFilter.HavingAgent(agent == Discovery.Agent ? "choria_provision" : agent),
            Body = body,
        };
        var waiter = new TaskCompletionSource<ReceivedReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[request.Id] = waiter;
        var headers = new TransportHeaders(ChoriaSubjects.Reply(request.Collective, Caller, request.Id), Sender);
        link.Publish(Encoding.UTF8.GetBytes(subject), ChoriaEnvelope.EncodeRequest(request, headers, RequestSigner.Insecure));
        return (request.Id, waiter.Task);
    }

    private string Sign(string requestPem)
    {
        var request = CertificateRequest.LoadSigningRequestPem(requestPem, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var now = Time.GetUtcNow();
        using var certificate = request.Create(
            authority.SubjectName,
            X509SignatureGenerator.CreateForECDsa(authority.GetECDsaPrivateKey()!),
            now.AddMinutes(-5),
            now.AddDays(1),
            RandomNumberGenerator.GetBytes(16));
        return certificate.ExportCertificatePem();
    }

    private string ServerToken(string identity, string publicKey)
    {
        var issued = Time.GetUtcNow().ToUnixTimeSeconds();
        return TokenSigner.Ed25519(issuer).Sign(new JsonObject
        {
            ["identity"] = identity,
            ["collectives"] = new JsonArray("mcollective"),
            ["ou"] = "choria",
            ["purpose"] = "choria_server",
            ["public_key"] = publicKey,
            ["iss"] = "Choria Provisioner",
            ["exp"] = issued + 86_400,
            ["iat"] = issued,
            ["jti"] = issued.ToString(CultureInfo.InvariantCulture),
        });
    }

    private sealed class EventListener(ConcurrentQueue<LifecycleEvent> events) : ILinkListener
    {
        public void Receive(ReadOnlySpan<byte> payload)
        {
            if (LifecycleEvent.TryDecode(payload, out var said, out _))
            {
                events.Enqueue(said);
            }
        }
    }
}
