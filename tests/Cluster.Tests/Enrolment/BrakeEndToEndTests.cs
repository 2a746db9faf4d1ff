using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>The brake with real processes: most of an overlay falls back at once, because its machines were installed anew, say.</summary>
public sealed partial class BrakeEndToEndTests
{
    private const string Path = $"/v1/overlays/{EnrolmentStage.Overlay}";
    private const StringComparison Ordinal = StringComparison.Ordinal;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheBrake_HoldsFallenNodes_AcrossAKilledSilo_AndAllEnrolWhenItIsReleased()
    {
        var options = new EnrolmentStageOptions
        {
            SiloProgram = Stages.SiloProgram, MutualTls = false, MoreConfiguration = "Admission:\n  BrakeNodesMin: 3",
        };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);
        await using (await EnrolAsync(stage, "most", 6))
        await using (await EnrolAsync(stage, "rest", 4))
        {
            await UntilAsync(async () => await CountAsync(stage, "enrolled") == 10, "all are enrolled", stage);
        }

        await using var most = await ReinstallAsync(stage, "most", 6);
        await UntilAsync(async () => await BrakeAsync(stage) is { Length: > 0 }, "the brake is on", stage);
        Assert.Equal("6 of its 10 nodes fell back to provisioning within 00:05:00", await BrakeAsync(stage));
        await UntilAsync(
            async () => Braked().IsMatch(await stage.Silo!.Health.GetStringAsync("/metrics", Token)), "the metric says so", stage);

        await stage.Silo!.KillAsync();
        await stage.StartSiloAsync(Token);
        await using var rest = await ReinstallAsync(stage, "rest", 4);
        await UntilAsync(async () => await HeldAsync(stage, "rest") == 4, "the fallen wait", stage);
        await using var newcomers = await EnrolAsync(stage, "new", 2);
        Assert.All(rest.Nodes, node => Assert.Equal(0, node.ConfigureCalls));

        using var released = await stage.Silo!.Api.PostAsJsonAsync(Path + ":release-enrolment-brake", new { reason = "it was us" }, Token);
        Assert.True(released.IsSuccessStatusCode, await released.Content.ReadAsStringAsync(Token));

        Assert.True(await rest.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        Assert.True(await most.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        await UntilAsync(async () => await CountAsync(stage, "enrolled") == 12, "all are enrolled again", stage);
        Assert.Null(await BrakeAsync(stage));
        Assert.All(rest.Nodes, node => Assert.Equal(1, node.ConfigureCalls));
    }

    [Fact]
    public async Task TheBrake_StopsEverybody_BeforeAHundredConfiguredNodesAreLost_AndAllEnrolWhenItIsMended()
    {
        const int nodes = 120;
        var options = new EnrolmentStageOptions
        {
            SiloProgram = Stages.SiloProgram, MutualTls = false, MoreProvisioning = "  ArrivalDeadline: 00:00:10",
        };
        await using var stage = await Stages.StartAsync(options, Token);
        await stage.StartSiloAsync(Token);

        await using (var stranded = await SimulatedFleet.StartAsync(
            Stages.Fleet(stage, nodes, FleetProtocol.V2, "web{n:000}.sim.example.net", (SimulatedFault.Stranded, nodes)), Token))
        {
            await UntilAsync(async () => await BrakeAsync(stage) is { Length: > 0 }, "the brake is on", stage);
            Assert.Contains("neither arrived nor came back to provisioning, the last of them web", await BrakeAsync(stage), Ordinal);
            await UntilAsync(
                async () => await HeldAsync(stage, "web") + stranded.Nodes.Count(node => node.ConfigureCalls > 0) == nodes,
                "everybody else waits",
                stage);

            // Sixteen, and one at a time from when those are given up until the brake is known.
            Assert.InRange(stranded.Nodes.Count(node => node.ConfigureCalls > 0), 16, 20);
            await UntilAsync(
                async () => Braked().IsMatch(await stage.Silo!.Health.GetStringAsync("/metrics", Token)), "the metric says so", stage);
        }

        await using var mended = await ReinstallAsync(stage, "web", nodes, "{n:000}");
        await UntilAsync(() => Task.FromResult(mended.Nodes.All(node => node.AnnouncedAt is not null)), "all are there", stage);
        Assert.All(mended.Nodes, node => Assert.Equal(0, node.ConfigureCalls));

        using var released = await stage.Silo!.Api.PostAsJsonAsync(Path + ":release-enrolment-brake", new { reason = "mended" }, Token);
        Assert.True(released.IsSuccessStatusCode, await released.Content.ReadAsStringAsync(Token));

        Assert.True(await mended.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        await UntilAsync(async () => await CountAsync(stage, "enrolled") == nodes, "all are enrolled", stage);
        Assert.Null(await BrakeAsync(stage));
    }

    private static async Task<SimulatedFleet> EnrolAsync(EnrolmentStage stage, string name, int nodes)
    {
        var fleet = await ReinstallAsync(stage, name, nodes);
        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
        return fleet;
    }

    /// <summary>Nodes with empty disks. Whoever had these identities before has forgotten all that it was given.</summary>
    private static Task<SimulatedFleet> ReinstallAsync(EnrolmentStage stage, string name, int nodes, string number = "{n:00}") =>
        SimulatedFleet.StartAsync(Stages.Fleet(stage, nodes, FleetProtocol.V2, $"{name}{number}.sim.example.net"), Token);

    private static async Task<string?> BrakeAsync(EnrolmentStage stage)
    {
        var control = await stage.Silo!.Api.GetFromJsonAsync<JsonElement>(Path + "/enrolment", Token);
        return control.TryGetProperty("brake", out var brake) && brake.ValueKind == JsonValueKind.Object
            ? brake.GetProperty("reason").GetString()
            : null;
    }

    private static async Task<int> CountAsync(EnrolmentStage stage, string state) => (await ListAsync(stage, state)).Count();

    private static async Task<int> HeldAsync(EnrolmentStage stage, string name) => (await ListAsync(stage, "deferred")).Count(node =>
        node.GetProperty("identity").GetString()!.StartsWith(name, StringComparison.Ordinal)
        && node.GetProperty("reason").GetString()?.Contains("an operator to release the brake", StringComparison.Ordinal) == true);

    private static async Task<IEnumerable<JsonElement>> ListAsync(EnrolmentStage stage, string state) =>
        (await stage.Silo!.Api.GetFromJsonAsync<JsonElement>($"/v1/nodes?state={state}&limit=1000", Token))
            .GetProperty("nodes").EnumerateArray();

    private static Task UntilAsync(Func<Task<bool>> condition, string what, EnrolmentStage stage) =>
        Readiness.UntilAsync(_ => condition(), what, Token, () => stage.Silo?.Output ?? "", Deadline);

    [GeneratedRegex("""^controlplane_admission_braked\w*\{[^}]*overlay="overlay-1"[^}]*\} 1\b""", RegexOptions.Multiline)]
    private static partial Regex Braked();
}
