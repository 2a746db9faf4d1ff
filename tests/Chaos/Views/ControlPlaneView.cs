using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Nodes;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Chaos;

/// <summary>What the control plane says of the fleet, by its HTTP API.</summary>
/// <param name="stage">Whose first silo that runs is asked, each time anew: they die here.</param>
/// <param name="site">Where each overlay has a cluster of its own: the number of the one whose silo is asked.</param>
internal sealed class ControlPlaneView(EnrolmentStage stage, int? site = null)
{
    private const int PageSize = 1000;
    private const int ReadsAtOnce = 16;

    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private HttpClient Api =>
        (site is { } number ? stage.Silos[number] : stage.Silo)?.Api ?? throw new HttpRequestException("no silo runs");

    /// <summary>Nodes by stage; null while no silo answers.</summary>
    public async Task<IReadOnlyDictionary<NodeStage, int>?> CountAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await Api.GetFromJsonAsync<SummaryAnswer>("/v1/summary", Json, cancellationToken))?.Stages;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>Every node that it knows.</summary>
    public async Task<IReadOnlyList<RosterEntry>> ListAsync(CancellationToken cancellationToken)
    {
        var nodes = new List<RosterEntry>();
        string? cursor = null;
        do
        {
            var path = $"/v1/nodes?limit={PageSize}" + (cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}");
            var page = await Api.GetFromJsonAsync<NodesAnswer>(path, Json, cancellationToken);
            nodes.AddRange(page!.Nodes);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return nodes;
    }

    /// <summary>What each enrolled node was given, by identity.</summary>
    public async Task<IReadOnlyDictionary<string, NodeSnapshot>> HeldByAsync(
        IReadOnlyList<RosterEntry> nodes, CancellationToken cancellationToken)
    {
        var held = new Dictionary<string, NodeSnapshot>(StringComparer.Ordinal);
        foreach (var chunk in nodes.Where(node => node.Stage == NodeStage.Enrolled).Chunk(ReadsAtOnce))
        {
            var read = chunk.Select(node =>
                Api.GetFromJsonAsync<NodeSnapshot>($"/v1/nodes/{Uri.EscapeDataString(node.Identity)}", Json, cancellationToken));
            foreach (var snapshot in await Task.WhenAll(read))
            {
                held[snapshot!.Identity] = snapshot;
            }
        }

        return held;
    }

    private sealed record SummaryAnswer(IReadOnlyDictionary<NodeStage, int> Stages);

    private sealed record NodesAnswer(IReadOnlyList<RosterEntry> Nodes, string? NextCursor);
}
