using System.Text;
using System.Text.Json;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.NKeys;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>A real nats-server believes the signatures of the client and the key package together.</summary>
public sealed class NKeyLoginTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connect_Succeeds_WithTheSeedOfTheNKeyThatTheServerDemands()
    {
        using var user = KeyPair.CreatePair(PrefixByte.User);
        await using var server = await NatsServer.StartAsync(Demanding(user), Token);
        await using var connection = Connection(server, new NatsAuthOpts { NKey = user.GetPublicKey(), Seed = user.GetSeed() });

        await connection.ConnectAsync();

        Assert.Equal(NatsConnectionState.Open, connection.ConnectionState);
        Assert.NotNull(connection.ServerInfo!.Nonce);
    }

    [Fact]
    public async Task Connect_IsRefused_WithAnotherSeed()
    {
        using var user = KeyPair.CreatePair(PrefixByte.User);
        using var other = KeyPair.CreatePair(PrefixByte.User);
        await using var server = await NatsServer.StartAsync(Demanding(user), Token);
        await using var connection = Connection(server, new NatsAuthOpts { NKey = user.GetPublicKey(), Seed = other.GetSeed() });

        await Assert.ThrowsAsync<NatsException>(async () => await connection.ConnectAsync());
    }

    [Fact]
    public async Task Connect_Succeeds_WithAUserJwtAndItsSeed()
    {
        using var authority = KeyPair.CreatePair(PrefixByte.Operator);
        using var account = KeyPair.CreatePair(PrefixByte.Account);
        using var user = KeyPair.CreatePair(PrefixByte.User);
        var settings = new NatsServerSettings
        {
            Configuration = $$"""
                operator: {{Jwt(authority, authority, "operator")}}
                resolver: MEMORY
                resolver_preload: { {{account.GetPublicKey()}}: {{Jwt(account, authority, "account")}} }
                """,
        };
        await using var server = await NatsServer.StartAsync(settings, Token);
        await using var connection = Connection(server, new NatsAuthOpts { Jwt = Jwt(user, account, "user"), Seed = user.GetSeed() });

        await connection.ConnectAsync();

        Assert.Equal(NatsConnectionState.Open, connection.ConnectionState);
    }

    private static NatsServerSettings Demanding(KeyPair user) =>
        new() { Configuration = $"authorization {{ users: [ {{ nkey: {user.GetPublicKey()} }} ] }}" };

    private static NatsConnection Connection(NatsServer server, NatsAuthOpts authentication) =>
        new(new NatsOpts { Url = server.Url, AuthOpts = authentication, MaxReconnectRetry = 0 });

    // The smallest claims that nats-server takes: version 2, all limits open.
    private static string Jwt(KeyPair subject, KeyPair issuer, string type)
    {
        var limits = new Dictionary<string, object>
        {
            ["subs"] = -1, ["conn"] = -1, ["leaf"] = -1, ["imports"] = -1, ["exports"] = -1, ["data"] = -1, ["payload"] = -1,
            ["wildcards"] = true,
        };
        var claims = new Dictionary<string, object>
        {
            ["jti"] = subject.GetPublicKey(),
            ["iat"] = 0,
            ["iss"] = issuer.GetPublicKey(),
            ["name"] = type,
            ["sub"] = subject.GetPublicKey(),
            ["nats"] = type switch
            {
                "account" => new { type, version = 2, limits },
                "user" => new { type, version = 2, subs = -1, data = -1, payload = -1 },
                _ => (object)new { type, version = 2 },
            },
        };
        var text = $"{Encoded("""{"typ":"JWT","alg":"ed25519-nkey"}"""u8)}.{Encoded(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        var signature = new byte[64];
        issuer.Sign(Encoding.ASCII.GetBytes(text), signature);
        return $"{text}.{Encoded(signature)}";
    }

    private static string Encoded(ReadOnlySpan<byte> bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
