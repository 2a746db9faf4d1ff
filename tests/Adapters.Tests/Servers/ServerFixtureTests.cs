using System.Net.Sockets;
using ControlPlane.TestKit;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace ControlPlane.Adapters.Tests.Servers;

/// <summary>What the other tests take for granted of the servers that TestKit starts.</summary>
public sealed class ServerFixtureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RestartAsync_KeepsPortAndStreams_AfterAKill()
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Token);
        var url = server.Url;
        await using (var connection = new NatsConnection(new NatsOpts { Url = url }))
        {
            await new NatsJSContext(connection).CreateStreamAsync(new StreamConfig("KEPT", ["kept.>"]), Token);
        }

        await server.KillAsync();
        await server.RestartAsync(Token);

        Assert.Equal(url, server.Url);
        await using var again = new NatsConnection(new NatsOpts { Url = url });
        Assert.Equal("KEPT", (await new NatsJSContext(again).GetStreamAsync("KEPT", cancellationToken: Token)).Info.Config.Name);
    }

    [Fact]
    public async Task Pause_LeavesCallsUnanswered_UntilContinue()
    {
        await using var server = await NatsServer.StartAsync(Token);
        await using var connection = new NatsConnection(new NatsOpts { Url = server.Url });
        await connection.PingAsync(Token);

        server.Pause();
        var pending = connection.PingAsync(Token).AsTask();
        using var brief = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending.WaitAsync(brief.Token));

        server.Continue();
        await pending.WaitAsync(Token);
    }

    [Fact]
    public async Task StartAsync_FormsACluster_ThatServesAfterTheLossOfOne()
    {
        await using var cluster = await NatsCluster.StartAsync(Token);
        await using var connection = new NatsConnection(new NatsOpts { Url = cluster.Url });
        var context = new NatsJSContext(connection);
        await context.CreateStreamAsync(new StreamConfig("SHARED", ["shared.>"]) { NumReplicas = 3 }, Token);

        await cluster.Members[0].KillAsync();

        await Readiness.UntilAsync(
            async token =>
            {
                try
                {
                    return (await context.PublishAsync("shared.1", "x", cancellationToken: token)).Seq > 0;
                }
                catch (Exception electing) when (electing is NatsException)
                {
                    return false;
                }
            },
            "a publish after the loss of a member",
            Token,
            () => cluster.Members[1].Output);
    }

    [Fact]
    public async Task StartAsync_NamesTheInstallation_WhenTheProgramIsMissing()
    {
        var settings = new NatsServerSettings { Program = "no-such-nats-server" };

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => NatsServer.StartAsync(settings, Token));

        Assert.Contains("install it: infra/nats-servers.sh", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>They are not installed but got beside the machine's own.</summary>
    [Fact]
    public async Task NatsPrograms_AreAsNewAsTheirNamesSay()
    {
        Assert.True(await VersionAsync(NatsPrograms.WithAuthCallout) >= new Version(2, 10));
        Assert.True(await VersionAsync(NatsPrograms.Newest) >= new Version(2, 11, 9));
    }

    [Fact]
    public async Task StartAsync_ShowsTheServersWords_WhenItsConfigurationIsWrong()
    {
        var settings = new NatsServerSettings { Configuration = "authorization { no_such_word: 1 }" };

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => NatsServer.StartAsync(settings, Token));

        Assert.Contains("no_such_word", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RestartAsync_KeepsWhatWasWritten_WhenRedisIsAppendOnly()
    {
        await using var server = await RedisServer.StartAsync(new RedisServerSettings { AppendOnly = true }, Token);
        Assert.Equal("+OK", await AskAsync(server, "SET kept yes"));

        await server.KillAsync();
        await server.RestartAsync(Token);

        Assert.Equal("$3", await AskAsync(server, "GET kept"));
    }

    private static async Task<Version> VersionAsync(string program)
    {
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { Program = program }, Token);
        await using var connection = new NatsConnection(new NatsOpts { Url = server.Url });
        await connection.ConnectAsync();
        return Version.Parse(connection.ServerInfo!.Version);
    }

    private static async Task<string> AskAsync(RedisServer server, string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Port, Token);
        await using var stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"), Token);
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync(Token) ?? "";
    }
}
