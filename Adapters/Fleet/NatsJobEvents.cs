using System.Text;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Jobs;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Publishes events of jobs on the brokers of the own overlay.</summary>
internal sealed class NatsJobEvents(
    FleetConnections connections, IOptions<FleetOptions> fleet, IOptions<OverlaysOptions> overlays) : IJobEvents
{
    public const string AllSubjects = "controlplane.job.>";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private string Overlay => overlays.Value.Local;

    private string Unconnected => $"this silo has no connection to {Overlay}; configure Fleet:Overlays:{Overlay}";

    public string? Obstacle =>
        !fleet.Value.JobEvents ? $"Fleet:JobEvents is false; set it to true, and let the silo's credential publish on {AllSubjects}"
        : connections.Of(Overlay).Count == 0 ? Unconnected
        : connections.MissingOf(Overlay).Any(one => one.Subject == AllSubjects)
            ? $"the broker does not let the silo publish on {AllSubjects}; let its credential do so"
        : null;

    public async Task PublishAsync(string subject, string json, CancellationToken cancellationToken)
    {
        if (connections.Of(Overlay) is not [var connection, ..])
        {
            throw new ReceiverUnavailableException(Unconnected);
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            // A broker does not say that it throws away what it does not permit; what it permits it says when it lets us in.
            await connection.ConnectAsync().AsTask().WaitAsync(deadline.Token);
            if (Obstacle is { } obstacle)
            {
                throw new ReceiverUnavailableException(obstacle);
            }

            var headers = new NatsHeaders { ["content-type"] = "application/cloudevents+json" };
            await connection.PublishAsync(subject, Encoding.UTF8.GetBytes(json), headers, cancellationToken: deadline.Token);

            // It answers when it has what was written before.
            await connection.PingAsync(deadline.Token);
        }
        catch (Exception lost) when (
            NatsFault.Is(lost) || (lost is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new ReceiverUnavailableException($"no broker of {Overlay} answers", lost);
        }
    }
}
