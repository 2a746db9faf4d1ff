using System.Net.Http.Json;
using System.Text.Json;
using ControlPlane.FleetSimulator;
using ControlPlane.TestKit.Stage;

namespace ControlPlane.Cluster.Tests.Enrolment;

/// <summary>What tests of whole fleets ask, and how they wait.</summary>
internal static class FleetAssert
{
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the control plane says of each node is what the node itself holds.</summary>
    public static async Task AssertEnrolled(EnrolmentStage stage, SimulatedFleet fleet)
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

    public static bool Is(JsonElement snapshot, string field, string value) =>
        string.Equals(snapshot.GetProperty(field).GetString(), value, StringComparison.OrdinalIgnoreCase);

    public static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    public static async Task Until(Func<Task<bool>> condition)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(Deadline);
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }
}
