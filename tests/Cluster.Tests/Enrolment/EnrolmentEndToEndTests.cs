using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;
using static ControlPlane.Cluster.Tests.Enrolment.FleetAssert;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>
/// The product's main job over real wires: brokers, Redis, a whole silo, a process of its own where it is killed, and nodes that speak
/// Choria's protocol.
/// </summary>
public sealed class EnrolmentEndToEndTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFleetOfProtocolV1_Enrols_WithOneCertificateEach(bool onChoriaBrokers)
    {
        await using var stage = await Stages.StartAsync(Stages.Hosted with { ChoriaBrokers = onChoriaBrokers }, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(
            Stages.Fleet(stage, 20, FleetProtocol.V1, faulty: (SimulatedFault.Duplicate, 3)), Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        await AssertEnrolled(stage, fleet);
    }

    [Fact]
    public async Task AFleetOfBothProtocols_Enrols_WithTokensAndCertificates()
    {
        var options = Stages.Hosted with { MutualTls = false, V2Credentials = "Both" };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 20, FleetProtocol.Both), Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        await AssertEnrolled(stage, fleet);
    }

    /// <summary>On brokers as strict as Choria's, where a node is nobody without its server token and the signed nonce.</summary>
    [Fact]
    public async Task AFleetOfProtocolV2_Enrols_AndAnswersOnItsOverlay()
    {
        var options = Stages.Hosted with
        {
            MutualTls = false, ChoriaBrokers = true, RegistrationInterval = TimeSpan.FromSeconds(5),
        };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 20, FleetProtocol.V2), Token);
        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        await AssertEnrolled(stage, fleet);
        await Until(async () => Is(
            await stage.Silo!.Api.GetFromJsonAsync<JsonElement>($"/v1/nodes/{fleet.Nodes[0].Identity}/inventory", Token),
            "source",
            "registration"));

        // What only the overlay's network carries: our signed request, and the answer in our inbox.
        using var answer = await stage.Silo!.Api.PostAsJsonAsync(
            $"/v1/nodes/{fleet.Nodes[0].Identity}:reprovision", new { reason = "for the test" }, Token);

        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
        await Until(() => fleet.Nodes[0] is { ConfigureCalls: 2, Stage: SimulatedNodeStage.Arrived });
    }

    [Fact]
    public async Task AFleet_Enrols_ThoughTheSiloIsKilledInTheMiddle()
    {
        await using var stage = await Stages.StartAsync(new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram }, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 60, FleetProtocol.V1), Token);

        // In the middle: some nodes have keys and nothing else, some are restarting, some have not been reached.
        await Until(() => fleet.Nodes.Count(node => node.ConfigureCalls > 0) >= 10);
        await stage.Silo!.KillAsync();
        await stage.StartSiloAsync(Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        await AssertEnrolled(stage, fleet);
    }
}
