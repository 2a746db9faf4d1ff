using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>
/// The product's main job, with nothing but real processes: brokers, Redis, a silo, and nodes that speak Choria's protocol.
/// </summary>
public sealed class EnrolmentEndToEndTests(HostileStage hostile) : IClassFixture<HostileStage>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFleetOfProtocolV1_Enrols_WithOneCertificateEach(bool onChoriaBrokers)
    {
        await using var stage = await Stages.StartAsync(
            new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram, ChoriaBrokers = onChoriaBrokers }, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(
            Stages.Fleet(stage, 20, FleetProtocol.V1, faulty: (SimulatedFault.Duplicate, 3)), Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.Silo!.Output);
        await AssertEnrolled(stage, fleet);
    }

    [Fact]
    public async Task AFleetOfBothProtocols_Enrols_WithTokensAndCertificates()
    {
        var options = new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram, MutualTls = false, V2Credentials = "Both" };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 20, FleetProtocol.Both), Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.Silo!.Output);
        await AssertEnrolled(stage, fleet);
    }

    /// <summary>On brokers as strict as Choria's, where a node is nobody without its server token and the signed nonce.</summary>
    [Fact]
    public async Task AFleetOfProtocolV2_Enrols_AndAnswersOnItsOverlay()
    {
        var options = new EnrolmentStageOptions
        {
            SiloProgram = Stages.SiloProgram,
            MutualTls = false,
            ChoriaBrokers = true,
            RegistrationInterval = TimeSpan.FromSeconds(5),
        };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 20, FleetProtocol.V2), Token);
        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.Silo!.Output);
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

    [Theory]
    [InlineData(FleetProtocol.V1, SimulatedFault.UnheardStart)]
    [InlineData(FleetProtocol.V1, SimulatedFault.UnheardArrival)]
    [InlineData(FleetProtocol.V2, SimulatedFault.UnheardArrival)]
    public async Task ANodeWhoseStartWasNotHeard_IsLookedFor_AndIsEnrolledOnce(FleetProtocol protocol, SimulatedFault fault)
    {
        var options = new EnrolmentStageOptions
        {
            SiloProgram = Stages.SiloProgram,
            MutualTls = protocol == FleetProtocol.V1,
            ChoriaBrokers = true,
            MoreProvisioning = "  SweepInterval: 00:00:10\n  ArrivalDeadline: 00:00:10",
        };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using var fleet = await SimulatedFleet.StartAsync(
            Stages.Fleet(stage, 4, protocol, faulty: (fault, 2)), Token);

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.Silo!.Output);
        await AssertEnrolled(stage, fleet);
        Assert.All(fleet.Nodes, node => Assert.Equal(1, node.ConfigureCalls));
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

        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.Silo!.Output);
        await AssertEnrolled(stage, fleet);
    }

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

    /// <summary>What the control plane says of each node is what the node itself holds.</summary>
    private static async Task AssertEnrolled(EnrolmentStage stage, SimulatedFleet fleet)
    {
        foreach (var node in fleet.Nodes)
        {
            var snapshot = await EnrolledSnapshot(stage, node.Identity);
            if (node.Certificate is not null)
            {
                var certificate = snapshot.GetProperty("certificate");
                Assert.Equal(node.CertificateSerial, certificate.GetProperty("serialNumber").GetString());
                Assert.Equal(node.PublicKeyFingerprint, certificate.GetProperty("publicKeyFingerprint").GetString());
            }
        }
    }

    private static async Task<JsonElement> EnrolledSnapshot(EnrolmentStage stage, string identity)
    {
        JsonElement snapshot = default;
        await Until(async () =>
        {
            snapshot = await stage.Silo!.Api.GetFromJsonAsync<JsonElement>($"/v1/nodes/{identity}", Token);
            return Is(snapshot, "stage", "enrolled");
        });
        return snapshot;
    }

    private static bool Is(JsonElement snapshot, string field, string value) =>
        string.Equals(snapshot.GetProperty(field).GetString(), value, StringComparison.OrdinalIgnoreCase);

    private static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(Deadline);
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }
}

/// <summary>One stage that all hostile nodes share.</summary>
public sealed class HostileStage : IAsyncLifetime
{
    private EnrolmentStage? stage;

    public EnrolmentStage Stage => stage ?? throw new InvalidOperationException("the stage is set up before the first test");

    public async ValueTask InitializeAsync()
    {
        var options = new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram, MutualTls = false };
        stage = await Stages.StartAsync(options, TestContext.Current.CancellationToken);
        await stage.StartSiloAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => stage?.DisposeAsync() ?? ValueTask.CompletedTask;
}
