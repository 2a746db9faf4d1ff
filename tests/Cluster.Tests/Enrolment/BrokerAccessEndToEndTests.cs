using System.Net.Http.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>The product's main job where brokers ask the silo who may log in, from its configuration file on.</summary>
public sealed class BrokerAccessEndToEndTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FleetProtocol.V1)]
    [InlineData(FleetProtocol.V2)]
    public async Task AFleet_Enrols_AndLogsInAsItself_UntilANodeIsDecommissioned(FleetProtocol protocol)
    {
        await using var stage = await Stages.StartAsync(
            Stages.Hosted with { MutualTls = protocol == FleetProtocol.V1, DecidesLogIns = true }, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 12, protocol), Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        var users = await UsersAsync(stage);
        Assert.All(fleet.Nodes, node => Assert.Single(users, user => user.StartsWith($"node:{node.Identity}:", StringComparison.Ordinal)));

        var gone = fleet.Nodes[0].Identity;
        using var decommission = await stage.Silo!.Api.PostAsJsonAsync($"/v1/nodes/{gone}:decommission", new { reason = "sold" }, Token);
        decommission.EnsureSuccessStatusCode();

        await Readiness.UntilAsync(
            async _ => !(await UsersAsync(stage)).Any(user => user.StartsWith($"node:{gone}:", StringComparison.Ordinal)),
            $"the end of {gone}'s connection",
            Token,
            () => stage.SiloOutput);
        Assert.Equal(fleet.Nodes.Count - 1, (await UsersAsync(stage)).Count(user => user.StartsWith("node:", StringComparison.Ordinal)));
    }

    private static async Task<IReadOnlyList<string>> UsersAsync(EnrolmentStage stage)
    {
        using var http = new HttpClient();
        var list = await http.GetFromJsonAsync<ConnectionList>(
            new Uri($"http://127.0.0.1:{stage.Brokers.Overlay.MonitorPort}/connz?auth=1&limit=1000"), Token);
        return [.. list!.Connections.Select(one => one.AuthorizedUser ?? "")];
    }

    private sealed record ConnectionList(IReadOnlyList<Connection> Connections);

    private sealed record Connection([property: System.Text.Json.Serialization.JsonPropertyName("authorized_user")] string? AuthorizedUser);
}
