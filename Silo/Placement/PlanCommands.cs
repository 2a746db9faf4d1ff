using System.CommandLine;
using ControlPlane.Api;
using ControlPlane.Commands;
using ControlPlane.Nodes;

namespace ControlPlane.Placement;

/// <summary><c>controlplane plan create|list|show|approve|pause|resume|abort</c>.</summary>
internal static class PlanCommands
{
    private const string Plans = "v1/placement/plans";

    public static Command Create()
    {
        var plan = new Command("plan", "Plans: how nodes move between overlays.") { Make(), List(), Show() };
        foreach (var command in (string[])["approve", "pause", "resume", "abort"])
        {
            plan.Add(Tell(command));
        }

        return plan;
    }

    /// <summary>A command that makes a plan, prints it, and approves it when asked to.</summary>
    /// <param name="name">The command's.</param>
    /// <param name="description">What it does.</param>
    /// <param name="kind">Of the plan, from the arguments.</param>
    /// <param name="overlay">The argument that names the overlay to empty.</param>
    public static ClientCommand Making(string name, string description, Func<ParseResult, PlanKind> kind, Argument<string> overlay)
    {
        var approve = new Option<bool>("--approve") { Description = "Approve the plan at once." };
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", DefaultValueFactory = _ => "" };
        var command = new ClientCommand(name, description, async (call, cancellationToken) =>
        {
            var body = new PlanBody(
                kind(call.Arguments), call.Arguments.GetValue(overlay) ?? "", call.Arguments.GetRequiredValue(reason));
            await CreateAsync(call, body, call.Arguments.GetValue(approve), cancellationToken);
        })
        { overlay, approve, reason };
        command.Validators.Add(result =>
        {
            if (result.GetValue(approve) && string.IsNullOrWhiteSpace(result.GetValue(reason)))
            {
                result.AddError("--approve needs --reason: nodes move");
            }
        });
        return command;
    }

    private static async Task CreateAsync(ClientCall call, PlanBody body, bool approve, CancellationToken cancellationToken)
    {
        var progress = await call.Api.PostAsync<PlanProgress>(Plans, body, cancellationToken);
        if (approve && progress.Stage == PlanStage.Draft)
        {
            progress = await call.Api.PostAsync<PlanProgress>(
                $"{Plans}/{progress.Id}:approve", new ReasonBody(body.Reason), cancellationToken);
        }

        var plan = await call.Api.GetAsync<PlacementPlan>($"{Plans}/{progress.Id}", cancellationToken);
        call.Print.Whole(new PlanView(plan, progress), print => Print(print, plan, progress));
        call.Print.Say(progress.Stage == PlanStage.Draft ? $"approve it with: controlplane plan approve {plan.Id} --reason WHY"
            : $"{plan.Id} is {progress.Stage}");
    }

    private static ClientCommand Make()
    {
        var kind = new Argument<PlanKind>("kind") { Description = "drain, retire, expand, rebalance or regroup." };
        var overlay = new Argument<string>("overlay") { Description = "The overlay to drain or retire.", DefaultValueFactory = _ => "" };
        var command = Making(
            "create", "Makes a plan from the region as it is now; moves nothing.", parsed => parsed.GetRequiredValue(kind), overlay);
        command.Arguments.Insert(0, kind);
        return command;
    }

    private static ClientCommand List() => new("list", "Lists plans, newest first.", async (call, cancellationToken) =>
        call.Print.List(
            await call.Api.GetAsync<IReadOnlyList<PlanProgress>>(Plans, cancellationToken),
            ("id", plan => plan.Id),
            ("stage", plan => plan.Stage),
            ("nodes", plan => plan.Nodes),
            ("moved", plan => plan.Moved),
            ("skipped", plan => plan.Skipped),
            ("failed", plan => plan.Failed),
            ("changed", plan => plan.ChangedAt),
            ("reason", plan => plan.Reason)));

    private static ClientCommand Show()
    {
        var id = new Argument<string>("id");
        var moves = new Option<bool>("--moves") { Description = "Print each move." };
        return new ClientCommand("show", "Shows a plan: its moves, bounds and peak loads.", async (call, cancellationToken) =>
        {
            var wanted = call.Arguments.GetRequiredValue(id);
            var plan = await call.Api.GetAsync<PlacementPlan>($"{Plans}/{Uri.EscapeDataString(wanted)}", cancellationToken);
            var all = await call.Api.GetAsync<IReadOnlyList<PlanProgress>>(Plans, cancellationToken);
            var progress = all.FirstOrDefault(progress => progress.Id == wanted);
            call.Print.Whole(new PlanView(plan, progress), print =>
            {
                Print(print, plan, progress);
                if (!call.Arguments.GetValue(moves))
                {
                    return;
                }

                print.List(plan.Moves,
                    ("group", move => move.Group),
                    ("from", move => move.From),
                    ("to", move => move.To),
                    ("nodes", move => move.Identities.Count),
                    ("from load", move => move.FromLoad),
                    ("to load", move => move.ToLoad));
            });
        })
        { id, moves };
    }

    private static ClientCommand Tell(string word)
    {
        var id = new Argument<string>("id");
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", Required = true };
        return new ClientCommand(word, $"{char.ToUpperInvariant(word[0])}{word[1..]}s a plan.", async (call, cancellationToken) =>
        {
            var path = $"{Plans}/{Uri.EscapeDataString(call.Arguments.GetRequiredValue(id))}:{word}";
            var body = new ReasonBody(call.Arguments.GetRequiredValue(reason));
            var plan = await call.Api.PostAsync<PlanProgress>(path, body, cancellationToken);
            call.Print.One(plan, ("id", plan.Id), ("stage", plan.Stage), ("moved", plan.Moved), ("reason", plan.Reason));
        })
        { id, reason };
    }

    private static void Print(Printer print, PlacementPlan plan, PlanProgress? progress)
    {
        print.One(plan,
            ("plan", plan.Id),
            ("why", plan.Reason.Length > 0 ? plan.Reason : null),
            ("stage", progress?.Stage),
            ("reason", progress?.Reason is { Length: > 0 } reason ? reason : null),
            ("moves", $"{plan.Nodes} nodes in {plan.Moves.Count} moves"),
            ("lower bound", plan.LowerBound),
            ("ratio", $"{plan.Ratio:0.000}"),
            ("unplaced", plan.Unplaced),
            ("duration", plan.Duration),
            ("job", progress?.Job),
            ("under way", progress?.UnderWay),
            ("moved", progress?.Moved),
            ("skipped", progress?.Skipped),
            ("failed", progress?.Failed),
            ("peaks", string.Join(", ", plan.Peaks.Where(peak => peak.Before != peak.After).Select(
                peak => $"{peak.Overlay} {peak.Before} to {peak.After}, at most {peak.Peak} of {peak.HardLimit}"))));
        foreach (var report in progress?.Reports.TakeLast(10) ?? [])
        {
            print.Say(report);
        }
    }

    private sealed record PlanView(PlacementPlan Plan, PlanProgress? Progress);
}
