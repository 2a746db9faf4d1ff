namespace ControlPlane.TestKit;

/// <summary>Several nats-servers in one NATS cluster with JetStream; three by default, so that it outlives the loss of one.</summary>
public sealed class NatsCluster : IAsyncDisposable
{
    private readonly NatsServer[] _members;

    private NatsCluster(NatsServer[] members) => _members = members;

    public IReadOnlyList<NatsServer> Members => _members;

    /// <summary>All members' addresses, as a client takes them.</summary>
    public string Url => string.Join(',', _members.Select(member => member.Url));

    /// <summary>Starts all and waits until each has joined and JetStream has elected its leader.</summary>
    public static async Task<NatsCluster> StartAsync(CancellationToken cancellationToken, int size = 3, NatsServerSettings? settings = null)
    {
        var ports = Enumerable.Range(0, size).Select(_ => LoopbackPort.Free()).ToArray();
        var routes = string.Join(", ", ports.Select(port => $"nats-route://127.0.0.1:{port}"));
        var template = settings ?? new NatsServerSettings();

        // All at once: a member is healthy only when a majority has elected a leader.
        var starting = ports.Select((port, index) => NatsServer.StartAsync(
            template with
            {
                JetStream = true,
                Name = $"{template.Name ?? "member"}-{index}",
                Configuration = $"{template.Configuration}\ncluster {{ name: \"test\", listen: \"127.0.0.1:{port}\", routes: [{routes}] }}",
            },
            cancellationToken)).ToArray();
        try
        {
            return new NatsCluster(await Task.WhenAll(starting));
        }
        catch
        {
            foreach (var started in starting.Where(start => start.IsCompletedSuccessfully))
            {
                await (await started).DisposeAsync();
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync();
        }
    }
}
