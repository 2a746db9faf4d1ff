using ControlPlane.Placement.Policies;

namespace ControlPlane.Placement.Plans;

/// <summary>Tells the parts of a plan's job which nodes it moves, and has a place held for each before it is told to enrol anew.</summary>
/// <remarks>Nothing is kept here: which node is on its way says the place that an overlay holds for it.</remarks>
/// <param name="history">The region.</param>
/// <param name="copyOf">The region's copies of overlays, which reserve.</param>
internal sealed class PlanMoves(StoredRegion history, Func<string, OverlayCopy?> copyOf)
{
    /// <summary>Names in one page: a message of the link is at most a megabyte.</summary>
    private const int PageMax = 2_000;

    private const string Over = "its plan is over";

    private PlacementPlan? open;
    private Dictionary<string, PlannedMove> moveOf = [];

    private RegionState Ledger => history.Ledger;

    public static string WaitingFor(string overlay) => $"waits for {overlay}, which does not answer";

    /// <summary>The nodes that a job moves out of an overlay, in the plan's order. Null when no plan of this leader has that job.</summary>
    public async Task<MovesPage?> ListAsync(string job, string from, int after)
    {
        if (await OpenAsync(Ledger.Plans.OfJob(job)) is not { } plan)
        {
            return null;
        }

        var all = plan.Moves.Where(move => move.From == from).SelectMany(move => move.Identities);
        string[] identities = [.. all.Skip(after).Take(PageMax)];
        return new MovesPage(identities, identities.Length < PageMax);
    }

    /// <summary>Has places held for nodes of a job, in their order, until one has to wait. Safe to repeat.</summary>
    public async Task<MoveVerdicts> ReserveAsync(string job, IReadOnlyList<string> identities)
    {
        var plan = await OpenAsync(Ledger.Plans.OfJob(job));
        var (verdicts, waits) = (new List<Task<MoveVerdict?>>(), "");
        foreach (var identity in identities)
        {
            // Looked at anew for each: what is begun for one counts for the next.
            var move = plan is not null && ReferenceEquals(plan, open) ? moveOf.GetValueOrDefault(identity) : null;
            var known = move is null ? MoveVerdict.Refused(Over) : KnownOrNull(job, identity, move);
            waits = known is null ? WhyItWaits(job, move!) : "";
            if (waits.Length > 0)
            {
                break;
            }

            verdicts.Add(known is null ? BeginAsync(job, identity, move!) : Task.FromResult<MoveVerdict?>(known));
        }

        // Stored or not is unknown where the answer is lost: if it was, the overlay lists it, and whoever asks again is told so.
        var answers = (await Task.WhenAll(verdicts)).TakeWhile(verdict => verdict is not null).ToArray();
        return new MoveVerdicts(
            [.. answers.OfType<MoveVerdict>()], answers.Length < verdicts.Count ? "the overlay that it goes to did not answer" : waits);
    }

    /// <summary>Gives back a place that its node has not taken: the node does not come. Safe to repeat.</summary>
    public Task GiveBackAsync(string job, string identity) =>
        Ledger.Node(identity)?.Held?.Plan == job ? GiveBackAsync(identity) : Task.CompletedTask;

    /// <summary>Gives back what is held for plans that are over, perhaps with the leader before.</summary>
    /// <param name="settled">Plans whose jobs have nothing under way any more: a node that was told comes for its place.</param>
    public void GiveBackWhatIsLeft(IReadOnlySet<string> settled)
    {
        foreach (var node in Ledger.Planned.Select(Ledger.Node).OfType<PlacedNode>().ToArray())
        {
            if (node.LiveHold is { Plan: { } job, IsTaken: false }
                && (Ledger.Plans.OfJob(job) is not { } plan || settled.Contains(plan.Id)))
            {
                GiveBackAsync(node.Identity).Ignore();
            }
        }
    }

    private Task GiveBackAsync(string identity) =>
        Ledger.Node(identity) is { Held: { IsTaken: false } held } && copyOf(held.Overlay) is { } copy
            ? copy.GiveBackAsync(identity)
            : Task.CompletedTask;

    private async Task<PlacementPlan?> OpenAsync(PlanProgress? progress)
    {
        if (progress is not null && open?.Id != progress.Id && await history.Plans.ReadAsync(progress.Id) is { } read)
        {
            open = read;
            moveOf = read.Moves.SelectMany(move => move.Identities.Select(identity => (identity, move)))
                .ToDictionary(one => one.identity, one => one.move, StringComparer.Ordinal);
        }

        return progress is not null && open?.Id == progress.Id ? open : null;
    }

    // What was begun goes on, whatever became of the plan since.
    private MoveVerdict? KnownOrNull(string job, string identity, PlannedMove move)
    {
        var node = Ledger.Node(identity);
        return node is { LiveHold: null } && node.Home == move.To ? MoveVerdict.There(move.To)
            : node?.LiveHold is { } held && held.Plan == job && held.Overlay == move.To ? MoveVerdict.Held(move.To)
            : Ledger.Plans.OfJob(job) is null or { Stage: PlanStage.Done or PlanStage.Aborted } ? MoveVerdict.Refused(Over)
            : null;
    }

    // Cut off is not gone: what is planned waits for it, until an operator ends the plan.
    private string WhyItWaits(string job, PlannedMove move) =>
        Ledger.Plans.OfJob(job) is { } plan && plan != Ledger.Plans.Running ? $"{plan.Id} is {plan.Stage}"
        : Ledger.Overlay(move.From) is { IsCutOff: true } ? WaitingFor(move.From)
        : Ledger.Overlay(move.To) is { IsCutOff: true } ? WaitingFor(move.To)
        : "";

    private Task<MoveVerdict?> BeginAsync(string job, string identity, PlannedMove move)
    {
        Close(Ledger.Plans.OfJob(job)!);
        return Objection(identity, move) is { } objection
            ? Task.FromResult<MoveVerdict?>(MoveVerdict.Refused(objection))
            : ReserveAsync(job, Ledger.Node(identity)!, move);
    }

    private async Task<MoveVerdict?> ReserveAsync(string job, PlacedNode node, PlannedMove move)
    {
        var until = history.Now + history.Options.LeaseLifetime;
        var hold = new Reservation(move.To, until, false, job) { Decided = Ledger.Stamp(history.Now) };
        HomeGroups(node, move.To);
        if (copyOf(move.To) is not { } target)
        {
            return MoveVerdict.Refused($"{move.To} is none of the region's overlays any more");
        }

        try
        {
            return await target.ReserveAsync(node with { Held = hold }) is { } refusal
                ? MoveVerdict.Refused(refusal)
                : MoveVerdict.Held(move.To);
        }
#pragma warning disable CA1031 // Whatever it was, it may hold the place.
        catch (Exception)
#pragma warning restore CA1031
        {
            return null;
        }
    }

    // From here on the overlay takes nobody, and who comes back to it is placed elsewhere.
    private void Close(PlanProgress plan)
    {
        if (plan.Overlay.Length > 0
            && Ledger.Overlay(plan.Overlay) is { State: OverlayState.Active or OverlayState.Cordoned } emptied)
        {
            emptied.Decided = (OverlayState.Draining, $"plan {plan.Id}");
            copyOf(plan.Overlay)?.SetStateAsync(OverlayState.Draining, $"plan {plan.Id}").Ignore();
        }
    }

    /// <summary>Why a move is not to be made now; null when it is as right as when it was planned.</summary>
    private string? Objection(string identity, PlannedMove move)
    {
        if (Ledger.Node(identity) is not { } node || node.Home != move.From || node.LiveHold is not null)
        {
            return $"it is not at rest in {move.From} any more";
        }

        if (Ledger.Overlay(move.From) is not { } from || from.State == OverlayState.Isolated)
        {
            return $"{move.From} is isolated: no moves out";
        }

        if (Ledger.Overlay(move.To) is not { State: OverlayState.Active, IsConfigured: true } to)
        {
            return $"{move.To} takes no nodes";
        }

        if (!new PlanDraft(Ledger).Accepts(node, to))
        {
            return $"the rules do not let it into {move.To}";
        }

        return to.Load + 1 > to.HardLimit || to.Committed + 1 > to.HardLimit + PromisedIn(node, to) ? $"{move.To} is full" : null;
    }

    private int PromisedIn(PlacedNode node, OverlayEntry to) => Ledger.Policy.GroupsOf(Ledger.ApplicantOf(node))
        .Any(membership => Ledger.Group(membership.Id) is { Promise: > 0 } group && ReferenceEquals(group.Lives, to)) ? 1 : 0;

    private void HomeGroups(PlacedNode node, string to)
    {
        foreach (var membership in Ledger.Policy.GroupsOf(Ledger.ApplicantOf(node)))
        {
            if (Ledger.Policy.Groups[membership.Rule].Mode == GroupMode.Required && Ledger.Homings.GetValueOrDefault(membership.Id) != to)
            {
                _ = history.Record(new PlacementChange.GroupHomed(membership.Id, to));
            }
        }
    }
}

/// <param name="Identities">In the plan's order.</param>
/// <param name="IsLast">Whether there are no more.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.MovesPage")]
internal sealed record MovesPage([property: Id(0)] IReadOnlyList<string> Identities, [property: Id(1)] bool IsLast);

/// <param name="Moves">Of the first nodes that were asked for; the others wait.</param>
/// <param name="Waits">What for; empty when none does.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.MoveVerdicts")]
internal sealed record MoveVerdicts([property: Id(0)] IReadOnlyList<MoveVerdict> Moves, [property: Id(1)] string Waits);

/// <param name="Overlay">Where the node goes; null when it does not.</param>
/// <param name="IsThere">Whether it lives there already.</param>
/// <param name="Objection">Why it does not go; empty when it does.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.MoveVerdict")]
internal sealed record MoveVerdict([property: Id(0)] string? Overlay, [property: Id(1)] bool IsThere, [property: Id(2)] string Objection)
{
    public static MoveVerdict Held(string overlay) => new(overlay, IsThere: false, "");

    public static MoveVerdict There(string overlay) => new(overlay, IsThere: true, "");

    public static MoveVerdict Refused(string objection) => new(null, IsThere: false, objection);
}
