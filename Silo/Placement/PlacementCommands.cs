using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;

namespace ControlPlane.Placement;

/// <summary><c>controlplane placement explain|simulate|home|promote</c>.</summary>
internal static class PlacementCommands
{
    public static Command Create() => new("placement", "Which overlay a node belongs to, and why.")
    {
        Explain(),
        Simulate(),
        Leader(),
        Promote(),
    };

    private static ClientCommand Explain()
    {
        var identity = new Argument<string>("identity");
        return new ClientCommand("explain", "Says why a node is where it is.", async (call, cancellationToken) =>
        {
            var path = $"v1/placement/explanations/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(identity))}";
            var why = await call.Api.GetAsync<PlacementExplanation>(path, cancellationToken);
            var lines = new List<(string, object?)>
            {
                ("node", why.Identity),
                ("overlay", why.Overlay),
                ("reason", why.Reason),
                ("policy", why.Policy),
                ("attributes", why.Attributes),
            };
            lines.AddRange(why.Candidates.Select(candidate => ($"candidate {candidate.Overlay}", (object?)$"{candidate.Score:0.##}")));
            lines.AddRange(why.Rejected.Select(rejected =>
                ($"rejected {rejected.Overlay}", (object?)$"{rejected.By} {rejected.Detail}".TrimEnd())));
            lines.AddRange(why.WhatWouldChangeIt.Select(sentence => ("what would change it", (object?)sentence)));
            call.Print.One(why, [.. lines]);
        })
        { identity };
    }

    private static ClientCommand Simulate()
    {
        var file = new Argument<string>("file")
        {
            Description = "CSV with a column 'identity' and columns such as jwt.customer, enrolment.service, facts.os; "
                + "or JSON lines with identity, claims, enrolment and facts.",
        };
        var policy = new Option<string?>("--policy") { Description = "A policy to try; the one in force without.", HelpName = "FILE" };
        var nodes = new Option<bool>("--nodes") { Description = "Print where each node would go." };
        return new ClientCommand("simulate", "Places made-up nodes on a copy of the region and shows where they would go.",
            async (call, cancellationToken) =>
        {
            var arrivals = ArrivalFile.Read(await File.ReadAllTextAsync(call.Arguments.GetRequiredValue(file), cancellationToken));
            var text = call.Arguments.GetValue(policy) is { } path ? await File.ReadAllTextAsync(path, cancellationToken) : null;
            var outcome = await call.Api.PostAsync<SimulationOutcome>("v1/placement:simulate", new SimulationBody(arrivals, text),
                cancellationToken);
            call.Print.Whole(outcome, _ => Print(call, outcome, call.Arguments.GetValue(nodes)));
            if (outcome.Faults.FirstOrDefault(fault => !fault.IsWarning) is { } fault)
            {
                throw new ApiRefusedException(
                    $"the policy has faults, the first in line {fault.Line}, column {fault.Column}: {fault.Message}");
            }
        })
        { file, policy, nodes };
    }

    private static ClientCommand Leader() =>
        new("leader", "Says which overlay holds the region's placement.", async (call, cancellationToken) =>
        Print(call, await call.Api.GetAsync<RegionLeader>("v1/placement/leader", cancellationToken)));

    private static ClientCommand Promote()
    {
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", Required = true };
        return new ClientCommand("promote", "Makes the overlay of the silo that is called the leader of the region's placement.",
            async (call, cancellationToken) => Print(call, await call.Api.PostAsync<RegionLeader>(
                "v1/placement/leader:promote", new ReasonBody(call.Arguments.GetRequiredValue(reason)), cancellationToken)))
        { reason };
    }

    private static void Print(ClientCall call, RegionLeader leader) => call.Print.One(leader,
        ("leader", leader.Leader),
        ("epoch", leader.Epoch),
        ("here", leader.IsHere ? "yes" : "no"),
        ("promoted by", leader.Actor.Length > 0 ? leader.Actor : null),
        ("reason", leader.Reason.Length > 0 ? leader.Reason : null));

    private static void Print(ClientCall call, SimulationOutcome outcome, bool printNodes)
    {
        if (printNodes)
        {
            call.Print.List(outcome.Nodes,
                ("identity", node => node.Identity), ("overlay", node => node.Overlay), ("reason", node => node.Reason));
            return;
        }

        var arrived = outcome.Nodes.GroupBy(node => node.Overlay ?? "").ToDictionary(overlay => overlay.Key, overlay => overlay.Count());
        call.Print.List(outcome.Overlays,
            ("overlay", overlay => overlay.Name),
            ("state", overlay => overlay.State),
            ("new", overlay => arrived.GetValueOrDefault(overlay.Name)),
            ("nodes", overlay => overlay.Nodes + overlay.Reserved),
            ("promised", overlay => overlay.Promised),
            ("hard limit", overlay => overlay.HardLimit));
        var loads = outcome.Overlays.Where(overlay => overlay.State == OverlayState.Active)
            .Select(overlay => (double)(overlay.Nodes + overlay.Reserved)).DefaultIfEmpty().ToArray();
        call.Print.Say($"{outcome.Nodes.Count - arrived.GetValueOrDefault("")} placed, {arrived.GetValueOrDefault("")} without a place, "
            + $"balance {(loads.Average() > 0 ? loads.Max() / loads.Average() : 1):0.000} (largest to mean)");
    }
}
