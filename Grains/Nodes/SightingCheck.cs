namespace ControlPlane.Nodes;

/// <summary>Decides whether what was seen on the overlay is the node that enrolled. Pure.</summary>
/// <remarks>
/// What the wire shows of two machines with one identity: a registration signed by another key than the node enrolled with (an older
/// installation, or one that enrolled under the same name), another machine's own id behind the same key (a copied disk), or alive events
/// of two processes in turns. Nothing else on the wire tells copies apart. Only what a valid credential signed quarantines: brokers let any
/// node, an unprovisioned one too, publish events in another's name, and nobody shall be able to take an innocent node out of service by
/// that. What is not signed is told once, to be looked into.
/// </remarks>
internal static class SightingCheck
{
    private const int ShownChars = 16;

    /// <summary>
    /// Whether it is known what the right key is. It is not while an enrolment runs, or before there was one; and what is older than the
    /// arrival is of the life before it.
    /// </summary>
    public static bool CanJudge(NodeState state, NodeSighting sighting) =>
        state.Stage == NodeStage.Gone
        || (state is { Stage: NodeStage.Enrolled, Held: { } held } && sighting.At > held.ArrivedAt + EnrolmentDecision.ClockTolerance);

    public static SightingVerdict Judge(NodeState state, NodeSighting sighting)
    {
        if (state.Stage == NodeStage.Gone)
        {
            return Once(state, "it was retired, and was seen all the same", $", {Where(sighting)}");
        }

        if (!CanJudge(state, sighting) || state.Held is not { } held || state.Hold is { Refusal: Refusal.Cloned })
        {
            return new SightingVerdict.Nothing();
        }

        if (sighting.OtherPlace is { } other)
        {
            return Once(
                state,
                "two processes speak for it in turns",
                $" on {sighting.Network}: {sighting.Place}, and {other}; events are not signed, so it may be a forgery");
        }

        return KeyVerdict(state, held, sighting) ?? MachineVerdict(state, sighting);
    }

    private static SightingVerdict? KeyVerdict(NodeState state, HeldCredentials held, NodeSighting sighting)
    {
        if (sighting.KeyFingerprint is not { } shown)
        {
            return null;
        }

        if (sighting.Standing == CredentialStatus.Expired)
        {
            // No broker lets it in with that, so it does no harm; and an old message that somebody sends again looks the same.
            return Once(
                state, "a credential that has expired is still used in its name", $", {Where(sighting)}, with the key {Short(shown)}");
        }

        var own = NodeLife.KeysOf(held).ToList();
        if (own.Count == 0 || own.Contains(shown, StringComparer.Ordinal))
        {
            return null;
        }

        var known = state.Life.FormerKeys.Contains(shown) ? "which was revoked when it enrolled anew" : "which it never enrolled with";
        return new SightingVerdict.Cloned(
            $"a machine {Where(sighting)} uses the key {Short(shown)}, {known}; the one that enrolled on {held.ArrivedAt:u} in {state.Overlay} holds "
            + $"{string.Join(" and ", own.Select(Short))}, {(state.Life.Place is { } place ? $"seen at {place}" : "and has not been seen since")}");
    }

    private static SightingVerdict MachineVerdict(NodeState state, NodeSighting sighting)
    {
        var life = state.Life;
        var isSigned = sighting.Standing == CredentialStatus.Verified;
        if (sighting.MachineId is { } machine && life.MachineId is { } before && machine != before)
        {
            if (isSigned && life.IsMachineProven)
            {
                return new SightingVerdict.Cloned(
                    $"the machine {machine} {Where(sighting)} uses the identity and key of the machine {before}, which was seen at {life.Place ?? "an unknown place"}");
            }

            if (!isSigned)
            {
                return Once(
                    state,
                    "another machine registers in its name",
                    $", {Where(sighting)}, as {machine}; it was {before}. Nothing signed says so");
            }
        }

        // What is signed takes the place of what is not, whatever that said.
        var seen = isSigned && !life.IsMachineProven
            ? life with
            {
                MachineId = sighting.MachineId ?? life.MachineId,
                Place = NullIfEmpty(sighting.Place) ?? life.Place,
                IsMachineProven = sighting.MachineId is not null,
            }
            : life with { MachineId = life.MachineId ?? sighting.MachineId, Place = life.Place ?? NullIfEmpty(sighting.Place) };
        return seen == life ? new SightingVerdict.Nothing() : new SightingVerdict.Remember(seen);
    }

    private static string? NullIfEmpty(string place) => place.Length > 0 ? place : null;

    // Once in each life, whatever the particulars: who forges them must not write the history.
    private static SightingVerdict Once(NodeState state, string what, string particulars) =>
        state.History.Any(
            step => step.At >= (state.Held?.ArrivedAt ?? default) && step.Detail?.StartsWith(what, StringComparison.Ordinal) == true)
            ? new SightingVerdict.Nothing()
            : new SightingVerdict.Note(what + particulars);

    private static string Where(NodeSighting sighting) =>
        sighting.Place.Length > 0 ? $"at {sighting.Place} on {sighting.Network}" : $"on {sighting.Network}";

    private static string Short(string key) => key.Length > ShownChars ? key[..ShownChars] + "…" : key;
}

/// <summary>What follows from a <see cref="NodeSighting"/>.</summary>
internal abstract record SightingVerdict
{
    public sealed record Nothing : SightingVerdict;

    /// <summary>It is the node; what it showed is kept to compare with.</summary>
    public sealed record Remember(NodeLife Life) : SightingVerdict;

    /// <summary>Nothing is done by itself, but an operator should know.</summary>
    public sealed record Note(string Detail) : SightingVerdict;

    /// <summary>Two use the identity; both places are named.</summary>
    public sealed record Cloned(string Detail) : SightingVerdict;
}
