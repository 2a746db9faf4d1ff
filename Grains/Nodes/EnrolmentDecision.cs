using ControlPlane.Enrolment;

namespace ControlPlane.Nodes;

/// <summary>Decides what an enrolment does next. Pure: the same arguments give the same step.</summary>
/// <remarks>
/// Level-triggered: it looks at how things stand, not at what was intended, so a silo that takes over asks the same question and goes
/// on. What was learnt before the keys were made (token, inventory, place) is not stored: learning it again is harmless.
/// </remarks>
internal static class EnrolmentDecision
{
    /// <summary>Brokers and silos of one overlay keep time together to within this much.</summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(2);

    /// <summary>How long a node may take to answer: what comes later, after an arrival, takes nobody out of service.</summary>
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(22);

    /// <summary>How long the owner of a node has to get it out of provisioning mode before it is handed over again.</summary>
    public static readonly TimeSpan HandOverPatience = TimeSpan.FromMinutes(10);

    public static EnrolmentStep Next(
        NodeState state, NodeNews news, ProvisioningOptions options, EnrolmentControls controls, DateTimeOffset now)
    {
        if (state.Stage == NodeStage.Gone)
        {
            return Leave(state, now);
        }

        if (state.Stage == NodeStage.Elsewhere)
        {
            return OfAnother(state, news, options, now);
        }

        if (Contested(state, news) is { } contested)
        {
            return new EnrolmentStep.Withdraw(contested);
        }

        if (Arrived(state, news) is { } arrival)
        {
            return new EnrolmentStep.Arrive(arrival.At);
        }

        if (Stayed(state, news) is { } stayed)
        {
            return new EnrolmentStep.Stay(stayed.At);
        }

        if (StartOver(state, news) is { } startOver)
        {
            return startOver;
        }

        if (state.Superseded.Count > 0)
        {
            return new EnrolmentStep.CloseSuperseded();
        }

        if (state.Hold is { } hold && !AdmissionCheck.IsOver(hold, controls, now))
        {
            return ForgottenAt(state, hold, options) is not { } end ? new EnrolmentStep.Nothing(hold.Until)
                : end <= now ? new EnrolmentStep.Forget()
                : new EnrolmentStep.Nothing(hold.Until < end ? hold.Until : end);
        }

        return Continue(state, options, controls, now);
    }

    /// <summary>Whether an enrolment is on its way: begun and neither arrived nor refused.</summary>
    public static bool IsUnderWay(NodeState state) =>
        state.Stage is >= NodeStage.Discovered and < NodeStage.Enrolled && state.Hold is not { Kind: NodeStage.Quarantined };

    private static EnrolmentStep Continue(
        NodeState state, ProvisioningOptions options, EnrolmentControls controls, DateTimeOffset now) => state.Stage switch
    {
        NodeStage.Discovered or NodeStage.Admitted =>
            AdmissionCheck.BeforeAttestation(state, controls, now) ?? (EnrolmentStep)new EnrolmentStep.Attest(),
        NodeStage.Attested => AdmissionCheck.AfterAttestation(state, controls, now) ?? (EnrolmentStep)new EnrolmentStep.Inspect(),
        NodeStage.Inspected => new EnrolmentStep.Place(),
        NodeStage.Placed when BegunWithinAnHour(state, now) >= options.EnrolmentsPerHourMax => new EnrolmentStep.Quarantine(
            Refusal.TooManyAttempts,
            $"it began {options.EnrolmentsPerHourMax} enrolments within an hour and arrived in none; reprovision it when the cause is mended"),
        NodeStage.Placed => AdmissionCheck.AfterPlacement(state, controls, now) ?? new EnrolmentStep.MakeKeys(),
        NodeStage.Keyed or NodeStage.Certified when AdmissionCheck.BeforeConfiguration(state, controls, now) is { } park => park,
        NodeStage.Keyed when state.Pending is { Draft: null } => new EnrolmentStep.Compose(),
        NodeStage.Keyed when state.Pending is { Draft.Upgrade: not null } => new EnrolmentStep.Upgrade(),
        NodeStage.Keyed => new EnrolmentStep.Certify(),
        // Before anything is given out: who answered first may not be the node.
        NodeStage.Certified when state.Pending?.KeyedAt + options.ContestWindow is { } quiet && quiet > now =>
            new EnrolmentStep.Wait(quiet),
        NodeStage.Certified => new EnrolmentStep.Configure(),
        NodeStage.Configured => new EnrolmentStep.Restart(),
        NodeStage.Restarted when state.ArrivalDue > now => new EnrolmentStep.Nothing(state.ArrivalDue),
        NodeStage.Restarted => new EnrolmentStep.LookFor(),
        NodeStage.Enrolled when Renewal.DueAt(state, options) is { } due =>
            due > now ? new EnrolmentStep.Nothing(due) : AdmissionCheck.BeforeRenewal(state, controls, now) ?? new EnrolmentStep.Renew(),
        _ => new EnrolmentStep.Nothing(null),
    };

    // Whatever is heard of it: only an operator brings it back.
    private static EnrolmentStep Leave(NodeState state, DateTimeOffset now) =>
        state.Superseded.Count > 0 ? new EnrolmentStep.CloseSuperseded()
        : state.PlaceFreedDue <= now ? new EnrolmentStep.FreePlace()
        : new EnrolmentStep.Nothing(state.PlaceFreedDue);

    // Its owner enrols it. It is handed over again when it starts anew, and when it still answers here long after.
    private static EnrolmentStep OfAnother(NodeState state, NodeNews news, ProvisioningOptions options, DateTimeOffset now)
    {
        var forgotten = state is { Attempt: 0, Held: null } ? state.WaitingSince + options.NewcomerLifetime : null;
        var settled = news.SightedAt > state.WaitingSince + HandOverPatience ? news : news with { SightedAt = null };
        return Stayed(state, news) is { } stayed ? new EnrolmentStep.Stay(stayed.At)
            : StartOver(state, settled) is { } again ? again
            : state.Superseded.Count > 0 ? new EnrolmentStep.CloseSuperseded()
            : forgotten <= now ? new EnrolmentStep.Forget()
            : new EnrolmentStep.Nothing(forgotten);
    }

    // Whoever answers first may have made the keys and arrived with them before the node itself has answered. A node that lives is
    // not taken out by what is said in its name afterwards: only by an answer that the node itself might have given so late.
    private static ContestedAnswer? Contested(NodeState state, NodeNews news) =>
        news.Contested is { } contested
        && contested.AskedAt + ClockTolerance >= state.WaitingSince
        && (IsRunning(state)
            || (state is { Stage: NodeStage.Enrolled, Held: { } held }
                && contested.AskedAt <= held.ArrivedAt
                && contested.At - contested.AskedAt <= AnswerDeadline))
            ? contested
            : null;

    // Any sign of life from the overlay that we configured proves the arrival, whatever we believe of the steps in between: the
    // reply to the restart, or our note of it, may have been lost.
    private static Arrival? Arrived(NodeState state, NodeNews news) =>
        state.Pending is { } pending
        && state.Stage is >= NodeStage.Certified and < NodeStage.Enrolled
        && news.Arrival is { } arrival
        && arrival.Overlay == state.Overlay
        && arrival.At + ClockTolerance >= pending.KeyedAt
            ? arrival
            : null;

    // The news that it had fallen back was late or wrong: a reply that lay in the socket of a silo that was stopped, say. Nothing was asked
    // of the node yet, and it lives by what it holds.
    private static Arrival? Stayed(NodeState state, NodeNews news) =>
        state is { Held: not null, Pending: null, Stage: (>= NodeStage.Discovered and < NodeStage.Keyed) or NodeStage.Elsewhere }
        && state.Hold is not { Kind: NodeStage.Quarantined }
        && news.Arrival is { } arrival
        && arrival.Overlay == (state.Held.Overlay ?? state.Overlay)
        && (arrival.IsAnswer
            || arrival.At > NodeNews.Latest(state.WaitingSince, NodeNews.Latest(news.StartedAt, news.SightedAt)) + ClockTolerance)
            ? arrival
            : null;

    private static EnrolmentStep.StartOver? StartOver(NodeState state, NodeNews news)
    {
        // A start is news at any stage: the node has forgotten what we had agreed. An answer to a sweep is not while an enrolment
        // runs, since the node answers sweeps until the very moment it restarts; nor does it free a node that was refused. But one that is
        // held for its silence is silent no more.
        var running = IsRunning(state);
        var isBack = state is { Hold.Blame: Blame.Silence, History: [.., var fellSilent] } && news.SightedAt > fellSilent.At;
        var heard = running && !isBack ? news.StartedAt : NodeNews.Latest(news.StartedAt, news.SightedAt);
        if (heard is not { } since || since <= NodeNews.Latest(state.ReachedAt, state.WaitingSince))
        {
            return null;
        }

        return new EnrolmentStep.StartOver(
            since,
            !running ? null : isBack ? "it is heard again in provisioning mode" : "it started anew in provisioning mode",
            news.Reception);
    }

    // Only a name that nobody ever knew: it made no keys, and shows no token. If it is there, a sweep finds it again.
    private static DateTimeOffset? ForgottenAt(NodeState state, Hold hold, ProvisioningOptions options) =>
        state is { Attempt: 0, Held: null }
        && (hold.Kind == NodeStage.Silent || hold.Refusal is >= Refusal.TokenMalformed and <= Refusal.SecretMismatch)
            ? state.WaitingSince + options.NewcomerLifetime
            : null;

    private static bool IsRunning(NodeState state) => state.Stage is >= NodeStage.Discovered and < NodeStage.Enrolled;

    private static int BegunWithinAnHour(NodeState state, DateTimeOffset now) =>
        state.Begun.Count(begun => now - begun < TimeSpan.FromHours(1));
}
