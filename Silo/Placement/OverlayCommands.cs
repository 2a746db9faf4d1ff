using System.CommandLine;
using ControlPlane.Commands;
using ControlPlane.Enrolment;

namespace ControlPlane.Placement;

/// <summary><c>controlplane overlay list|activate|cordon|isolate|abandon|drain|retire|pause|resume|limit|release</c>.</summary>
internal static class OverlayCommands
{
    public static Command Create() => new("overlay", "The overlays of this silo's region.")
    {
        List(),
        SetState("activate", OverlayState.Active, "Lets an overlay take new nodes again."),
        SetState("cordon", OverlayState.Cordoned, "Keeps an overlay's nodes and lets it take no new ones."),
        SetState("isolate", OverlayState.Isolated, "Marks an overlay as cut off: it keeps its nodes, none move in or out."),
        SetState("abandon", OverlayState.Retired, "Gives up an overlay that is lost: its nodes are placed elsewhere when they come back."),
        Empty("drain", PlanKind.Drain, "Plans to move all nodes of an overlay elsewhere."),
        Empty("retire", PlanKind.Retire, "Plans to move all nodes of an overlay elsewhere and to give it up."),
        EnrolmentCommands.Pause(),
        EnrolmentCommands.Resume(),
        EnrolmentCommands.Limit(),
        EnrolmentCommands.Release(),
    };

    private static ClientCommand List() =>
        new("list", "Lists the overlays with their states and counts.", async (call, cancellationToken) =>
        call.Print.List(
            await call.Api.GetAsync<IReadOnlyList<OverlayStatus>>("v1/overlays", cancellationToken),
            ("name", overlay => overlay.Name),
            ("state", overlay => overlay.State),
            ("nodes", overlay => overlay.Nodes),
            ("reserved", overlay => overlay.Reserved),
            ("promised", overlay => overlay.Promised),
            ("soft limit", overlay => overlay.SoftLimit),
            ("hard limit", overlay => overlay.HardLimit),
            ("reason", overlay => overlay.StateReason),
            ("enrolment", overlay => overlay.EnrolmentInWords())));

    private static ClientCommand SetState(string name, OverlayState state, string description)
    {
        var overlay = new Argument<string>("overlay");
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", DefaultValueFactory = _ => "by command line" };
        return new ClientCommand(name, description, async (call, cancellationToken) =>
        {
            var which = call.Arguments.GetRequiredValue(overlay);
            await call.Api.PostAsync(
                $"v1/overlays/{Uri.EscapeDataString(which)}:set-state",
                new OverlayStateBody(state, call.Arguments.GetRequiredValue(reason)), cancellationToken);
            call.Print.One(new { name = which, state }, ("overlay", which), ("state", state));
        })
        { overlay, reason };
    }

    private static ClientCommand Empty(string name, PlanKind kind, string description) =>
        PlanCommands.Making(name, description, _ => kind, new Argument<string>("overlay"));
}
