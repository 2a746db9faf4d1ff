using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>Callers of whom nothing is known yet, and who mean no good.</summary>
public sealed class FloodTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneAddress_ThatHoldsAllItsConnections_KeepsNobodyElseOut()
    {
        await using var api = await ApiHost.StartAsync(("Api:ConnectionsPerAddressMax", "3"));
        using var held = new Connections();
        for (var count = 0; count < 3; count++)
        {
            await held.AddAsync(api.Url, IPAddress.Loopback);
        }

        using var oneMore = await held.AddAsync(api.Url, IPAddress.Loopback);
        Assert.Equal("", await AskAsync(oneMore, "/openapi/v1.json"));

        using var other = await held.AddAsync(api.Url, IPAddress.Parse("127.0.0.2"));
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(other, "/openapi/v1.json"));
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync(new Uri(api.HealthUrl, "/livez").ToString())).StatusCode);
    }

    [Fact]
    public async Task AConnectionThatEnds_GivesItsPlaceBack()
    {
        await using var api = await ApiHost.StartAsync(("Api:ConnectionsPerAddressMax", "1"));
        using var held = new Connections();
        (await held.AddAsync(api.Url, IPAddress.Loopback)).Dispose();

        await TestKit.Readiness.UntilAsync(
            async _ =>
            {
                using var next = await held.AddAsync(api.Url, IPAddress.Loopback);
                return (await AskAsync(next, "/openapi/v1.json")).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
            },
            "the place is free",
            Token);
    }

    [Fact]
    public async Task AHeaderThatNeverEnds_LosesItsConnection()
    {
        await using var api = await ApiHost.StartAsync();
        using var held = new Connections();
        using var slow = await held.AddAsync(api.Url, IPAddress.Loopback);

        await slow.SendAsync("GET /v1/nodes HTTP/1.1\r\nHost: localhost\r\n"u8.ToArray(), Token);

        Assert.StartsWith("HTTP/1.1 408", await ReadAsync(slow));
    }

    [Theory]
    [InlineData("utf-7")]
    [InlineData("utf-16")]
    [InlineData("no-such-charset")]
    public async Task ABodyInAnotherCharset_IsRefused(string charset)
    {
        await using var api = await ApiHost.StartAsync();
        using var content = new ByteArrayContent("{\"reason\": \"x\"}"u8.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = charset };

        var answer = await api.Http.PostAsync("/v1/nodes/web1.example.net:reprovision", content, Token);

        await answer.AssertProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
    }

    [Fact]
    public async Task TheDescriptionOfTheApi_IsMadeOnce_WhateverTheQuery()
    {
        await using var api = await ApiHost.StartAsync();

        using var first = await api.GetAsync("/openapi/v1.json");
        using var again = await api.GetAsync("/openapi/v1.json?a=1");

        Assert.False(first.Headers.Contains("Age"));
        Assert.True(again.Headers.Contains("Age"));
        Assert.Equal(await first.Content.ReadAsStringAsync(Token), await again.Content.ReadAsStringAsync(Token));
    }

    private static async Task<string> AskAsync(Socket socket, string path)
    {
        try
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), Token);
            return await ReadAsync(socket);
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        var buffer = new byte[4096];
        var count = await socket.ReceiveAsync(buffer, Token);
        return Encoding.ASCII.GetString(buffer, 0, count);
    }

    private sealed class Connections : IDisposable
    {
        private readonly List<Socket> sockets = [];

        public async Task<Socket> AddAsync(Uri url, IPAddress from)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            socket.Bind(new IPEndPoint(from, 0));
            try
            {
                await socket.ConnectAsync(IPAddress.Parse(url.Host), url.Port, Token);
            }
            catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Let in by the system and put out by the server before we saw the first of it: who asks over it gets no answer.
            }

            return socket;
        }

        public void Dispose() => sockets.ForEach(socket => socket.Dispose());
    }
}
