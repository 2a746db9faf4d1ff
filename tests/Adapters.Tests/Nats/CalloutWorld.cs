using System.Collections.Concurrent;
using ControlPlane.Adapters.Nats.Callout;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.NKeys;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>A real nats-server whose auth callout is answered by a function of a test.</summary>
internal sealed class CalloutWorld : IAsyncDisposable
{
    public const string ServerName = "broker1";

    private readonly CalloutKeys _keys;
    private readonly NatsConnection _service;
    private readonly Task _answering;

    private CalloutWorld(
        TestPki pki,
        NatsServer server,
        CalloutKeys keys,
        NatsConnection service,
        INatsSub<byte[]> asked,
        Func<AuthorizationRequest, UserGrant?> decide)
    {
        (Pki, Server, _keys, _service) = (pki, server, keys, service);
        _answering = AnswerAsync(asked, decide);
    }

    public TestPki Pki { get; }

    public NatsServer Server { get; }

    public ConcurrentQueue<AuthorizationRequest> Asked { get; } = [];

    public static async Task<CalloutWorld> StartAsync(
        bool newest, Func<AuthorizationRequest, UserGrant?> decide, bool encrypted = false, bool verifiesClients = false)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var pki = TestPki.Create();
        var broker = pki.ServerCertificate("broker");
        var keys = new CalloutKeys(
            KeyPair.CreatePair(PrefixByte.Account).GetSeed(), encrypted ? KeyPair.CreatePair(PrefixByte.Curve).GetSeed() : null);
        var server = await NatsServer.StartAsync(
            new NatsServerSettings
            {
                Program = newest ? NatsPrograms.Newest : NatsPrograms.WithAuthCallout,
                Name = ServerName,
                Tls = new NatsServerTls(
                    broker.CertificatePath, broker.KeyPath, verifiesClients ? pki.AuthorityPath : null, AllowPlain: true),
                Configuration = $$"""
                    accounts {
                      AUTH { users: [
                        { user: callout, password: callout }
                        { nkey: UAJW7RMS2NN7H7YRQG557LWP3D222KYDQOBZBYO3NZZXGNM4U2QBHVLJ }
                      ] }
                      CHORIA { }
                    }
                    authorization {
                      timeout: 10
                      auth_callout {
                        issuer: {{keys.Issuer}}, account: AUTH, auth_users: [ callout ]
                        {{(keys.XKey is { } xkey ? $"xkey: {xkey}" : "")}}
                      }
                    }
                    """,
            },
            cancellationToken);
        var service = new NatsConnection(NatsOpts.Default with
        {
            Url = server.Url,
            TlsOpts = NatsTlsOpts.Default with { Mode = TlsMode.Disable },
            AuthOpts = NatsAuthOpts.Default with { Username = "callout", Password = "callout" },
        });
        var asked = await service.SubscribeCoreAsync<byte[]>(AuthorizationRequest.Subject, cancellationToken: cancellationToken);
        await service.PingAsync(cancellationToken);
        return new CalloutWorld(pki, server, keys, service, asked, decide);
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        await _answering;
        await Server.DisposeAsync();
        _keys.Dispose();
        Pki.Dispose();
    }

    private async Task AnswerAsync(INatsSub<byte[]> asked, Func<AuthorizationRequest, UserGrant?> decide)
    {
        await foreach (var message in asked.Msgs.ReadAllAsync())
        {
            string? xkey = message.Headers?[CalloutKeys.XKeyHeader];
            Assert.True(_keys.TryRead(message.Data!, xkey, out var request, out var fault), fault);
            Asked.Enqueue(request);
            await message.ReplyAsync(
                decide(request) is { } grant
                    ? _keys.Admit(request, grant, TimeProvider.System.GetUtcNow())
                    : _keys.Refuse(request, $"{request.Connect.Name} is not welcome", TimeProvider.System.GetUtcNow()));
        }
    }
}
