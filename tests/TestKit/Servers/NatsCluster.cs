using System.Net.Http.Json;
using System.Text.Json;

namespace ControlPlane.TestKit;

/// <summary>Several nats-servers in one NATS cluster with JetStream; three by default, so that it outlives the loss of one.</summary>
public sealed class NatsCluster : IAsyncDisposable
{
    private static readonly TimeSpan WholeDeadline = TimeSpan.FromMinutes(5);
    private readonly NatsServer[] _members;
    private readonly string _name;

    private NatsCluster(NatsServer[] members, string name)
    {
        _members = members;
        _name = name;
    }

    public IReadOnlyList<NatsServer> Members => _members;

    /// <summary>All members' addresses, as a client takes them.</summary>
    public string Url => string.Join(',', _members.Select(member => member.Url));

    /// <summary>Starts all and waits until each has joined and JetStream has elected its leader.</summary>
    public static async Task<NatsCluster> StartAsync(CancellationToken cancellationToken, int size = 3, NatsServerSettings? settings = null)
    {
        var ports = Enumerable.Range(0, size).Select(_ => LoopbackPort.Free()).ToArray();
        var routes = string.Join(", ", ports.Select(port => $"nats-route://127.0.0.1:{port}"));
        var template = settings ?? new NatsServerSettings();
        var name = template.Name ?? "member";

        // All at once: a member is healthy only when a majority has elected a leader.
        var starting = ports.Select((port, index) => NatsServer.StartAsync(
            template with
            {
                JetStream = true,
                Name = $"{name}-{index}",
                Configuration = $"{template.Configuration}\ncluster {{ name: \"test\", listen: \"127.0.0.1:{port}\", routes: [{routes}] }}",
            },
            cancellationToken)).ToArray();
        try
        {
            return new NatsCluster(await Task.WhenAll(starting), name);
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

    /// <summary>
    /// Waits until every member runs and is up to date with the leaders of JetStream and of its streams: until then the loss of another one
    /// is the loss of two.
    /// </summary>
    /// <remarks>
    /// Not their health, nor consumers: a member of 2.9.10 that was away while a consumer was made or deleted may miss it for good, and
    /// never say again that it is healthy.
    /// </remarks>
    public Task UntilWholeAsync(CancellationToken cancellationToken) => Readiness.UntilAsync(
        IsWholeAsync,
        "a whole NATS cluster",
        cancellationToken,
        () => string.Join("\n---\n", _members.Select(member => member.Output)),
        WholeDeadline);

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync();
        }
    }

    private async Task<bool> IsWholeAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var hasLeader = false;
        try
        {
            foreach (var (index, member) in _members.Index())
            {
                var state = await http.GetFromJsonAsync<JsonElement>(
                    new Uri($"http://127.0.0.1:{member.MonitorPort}/jsz?streams=true"), cancellationToken);
                hasLeader |= state.TryGetProperty("meta_cluster", out var servers) && servers.TryGetProperty("replicas", out _);
                if (!OthersOfGroups(state, leader: $"{_name}-{index}").All(other => other.GetProperty("current").GetBoolean()))
                {
                    return false;
                }
            }
        }
        catch (HttpRequestException)
        {
            return false;
        }

        return hasLeader;
    }

    // Only a group's leader knows how far the others are: of JetStream itself and of each stream.
    private static IEnumerable<JsonElement> OthersOfGroups(JsonElement state, string leader) => state.ValueKind switch
    {
        JsonValueKind.Array => state.EnumerateArray().SelectMany(item => OthersOfGroups(item, leader)),
        JsonValueKind.Object when state.TryGetProperty("replicas", out var others) =>
            state.TryGetProperty("leader", out var name) && name.ValueEquals(leader) ? others.EnumerateArray() : [],
        JsonValueKind.Object => state.EnumerateObject().SelectMany(property => OthersOfGroups(property.Value, leader)),
        _ => [],
    };
}
