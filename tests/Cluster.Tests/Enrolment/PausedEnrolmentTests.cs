using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>An operator's pause with real processes: it outlives the silo, and nodes go on by themselves when it ends.</summary>
public sealed class PausedEnrolmentTests
{
    private const string Path = $"/v1/overlays/{EnrolmentStage.Overlay}";
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APause_SurvivesAKilledSilo_AndNodesGoOnByThemselvesWhenItEnds()
    {
        await using var stage = await Stages.StartAsync(
            new EnrolmentStageOptions { SiloProgram = Stages.SiloProgram, ChoriaBrokers = true }, Token);
        await stage.StartSiloAsync(Token);
        await PostAsync(stage, ":pause-enrolment", "the CA is moved");
        await stage.Silo!.KillAsync();
        await stage.StartSiloAsync(Token);

        await using var fleet = await SimulatedFleet.StartAsync(Stages.Fleet(stage, 20, FleetProtocol.V1), Token);
        await UntilAsync(async () =>
        {
            var deferred = await stage.Silo!.Api.GetFromJsonAsync<JsonElement>("/v1/nodes?state=deferred", Token);
            return deferred.GetProperty("nodes").EnumerateArray().Count(node =>
                node.GetProperty("reason").GetString() == "enrolment in overlay overlay-1 is paused by local: the CA is moved") == 20;
        });
        Assert.All(fleet.Nodes, node => Assert.Equal(0, node.ConfigureCalls));

        await PostAsync(stage, ":resume-enrolment", "it is moved");
        Assert.True(await fleet.WaitForArrivalsAsync(Deadline, cancellationToken: Token), stage.SiloOutput);
    }

    private static async Task PostAsync(EnrolmentStage stage, string verb, string reason)
    {
        using var answer = await stage.Silo!.Api.PostAsJsonAsync(Path + verb, new { reason }, Token);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(Deadline);
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }
}
