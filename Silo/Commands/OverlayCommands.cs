using System.CommandLine;
using ControlPlane.Overlays;

namespace ControlPlane.Commands;

/// <summary><c>controlplane overlay list</c>.</summary>
internal static class OverlayCommands
{
    public static Command Create() => new("overlay", "The overlays of this silo's region.") { List() };

    private static ClientCommand List() => new("list", "Lists the overlays with their states and counts.", async (call, cancellationToken) =>
        call.Print.List(
            await call.Api.GetAsync<IReadOnlyList<OverlaySnapshot>>("v1/overlays", cancellationToken),
            ("name", overlay => overlay.Name),
            ("state", overlay => overlay.State),
            ("nodes", overlay => overlay.Nodes),
            ("reserved", overlay => overlay.Reserved),
            ("soft limit", overlay => overlay.SoftLimit),
            ("hard limit", overlay => overlay.HardLimit)));
}
