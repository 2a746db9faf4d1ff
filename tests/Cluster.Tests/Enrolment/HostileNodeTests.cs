using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;
using static ControlPlane.Cluster.Tests.Enrolment.FleetAssert;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>Nodes that lie, over real brokers, and the silo that they come to.</summary>
public sealed class HostileNodeTests(HostileStage hostile) : IClassFixture<HostileStage>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SimulatedFault.ForgedToken, FleetProtocol.V2, "TokenUntrusted")]
    [InlineData(SimulatedFault.ExpiredToken, FleetProtocol.V2, "TokenExpired")]
    [InlineData(SimulatedFault.WrongChain, FleetProtocol.V2, "TokenWronglyChained")]
    [InlineData(SimulatedFault.WrongSecret, FleetProtocol.V1, "SecretMismatch")]
    [InlineData(SimulatedFault.OtherCommonName, FleetProtocol.V1, "IdentityMismatch")]
    [InlineData(SimulatedFault.ForeignAlternativeName, FleetProtocol.V1, "NamesUnexpected")]
    [InlineData(SimulatedFault.AuthorityRequest, FleetProtocol.V1, "ExtensionUnacceptable")]
    [InlineData(SimulatedFault.WeakKey, FleetProtocol.V1, "KeyUnacceptable")]
    [InlineData(SimulatedFault.PrivilegedName, FleetProtocol.V1, "IdentityReserved")]
    public async Task AHostileNode_IsRefused_WithTheRuleItBroke(SimulatedFault fault, FleetProtocol protocol, string refusal)
    {
        await using var fleet = await SimulatedFleet.StartAsync(
            Stages.Fleet(hostile.Stage, 1, protocol, $"{fault}.hostile.example.net".ToLowerInvariant(), (fault, 1)), Token);
        var node = Assert.Single(fleet.Nodes);

        JsonElement snapshot = default;
        await Until(async () =>
        {
            using var answer = await hostile.Stage.Silo!.Api.GetAsync($"/v1/nodes/{node.Identity}", Token);
            snapshot = answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonElement>(Token) : default;
            return snapshot.ValueKind == JsonValueKind.Object && Is(snapshot, "stage", "quarantined");
        });

        Assert.True(Is(snapshot, "refusal", refusal), snapshot.ToString());
        Assert.False(string.IsNullOrEmpty(snapshot.GetProperty("reason").GetString()));
        Assert.Equal(0, node.ConfigureCalls);
    }
}

/// <summary>One stage that all hostile nodes share.</summary>
public sealed class HostileStage : IAsyncLifetime
{
    private EnrolmentStage? stage;

    public EnrolmentStage Stage => stage ?? throw new InvalidOperationException("the stage is set up before the first test");

    public async ValueTask InitializeAsync()
    {
        stage = await Stages.StartAsync(Stages.Hosted with { MutualTls = false }, TestContext.Current.CancellationToken);
        await stage.StartSiloAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => stage?.DisposeAsync() ?? ValueTask.CompletedTask;
}
