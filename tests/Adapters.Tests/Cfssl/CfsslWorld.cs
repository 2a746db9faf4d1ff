using ControlPlane.Adapters.Cfssl;
using ControlPlane.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace ControlPlane.Adapters.Tests.Cfssl;

/// <summary>One cfssl for a class of tests, the front before it, and the issuers that were opened on them.</summary>
public sealed class CfsslWorld : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> opened = [];
    private readonly Dictionary<CfsslServerSettings, CfsslServer> servers = [];

    /// <summary>A running server with these settings; the same for all tests of the class.</summary>
    public async Task<CfsslServer> ServerAsync(CfsslServerSettings? settings = null)
    {
        settings ??= new CfsslServerSettings();
        if (!servers.TryGetValue(settings, out var server))
        {
            servers[settings] = server = await CfsslServer.StartAsync(settings, TestContext.Current.CancellationToken);
            opened.Add(server);
        }

        return server;
    }

    /// <summary>A front before a server.</summary>
    public async Task<CfsslFront> FrontAsync(CfsslServer server, FrontBehaviour behaviour)
    {
        var front = await CfsslFront.StartAsync(server, behaviour);
        opened.Add(front);
        return front;
    }

    /// <summary>The options that fit a server.</summary>
    public static CfsslOptions OptionsFor(CfsslServer server) => new()
    {
        Url = server.Url,
        Profile = CfsslServer.NodeProfile,
        ChainFile = server.ChainFile,
    };

    internal static CfsslIssuer Open(CfsslOptions options) =>
        new("tested", options, TimeProvider.System, NullLogger<CfsslIssuer>.Instance);

    public async ValueTask DisposeAsync()
    {
        opened.Reverse();
        foreach (var one in opened)
        {
            await one.DisposeAsync();
        }
    }
}
