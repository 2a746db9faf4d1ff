using ControlPlane.Liveness;

namespace ControlPlane.Provisioning;

/// <summary>Decides whether what was seen on the overlay is the node that enrolled. Pure.</summary>
/// <remarks>
/// What the wire shows of two machines with one identity: a registration signed by another key than the node enrolled with (an older
/// installation, or one that enrolled under the same name), another machine's own id behind the same key (a copied disk), or alive events of
/// two processes in turns. Nothing else on the wire tells copies apart.
/// </remarks>
internal static class SightingCheck
{
    private const int ShownChars = 16;

    public static SightingVerdict Judge(NodeState state, NodeSighting sighting)
    {
        if (state.Stage == NodeStage.Gone)
        {
            return Once(state, $"it was retired, and was seen all the same, {Where(sighting)}");
        }

        // While an enrolment runs, or before there was one, nobody knows which key is the right one; what is older than the arrival is the life before it.
        if (state.Stage != NodeStage.Enrolled || state.Held is not { } held || sighting.At <= held.ArrivedAt + Enrolment.ClockTolerance
            || state.Hold is { Refusal: Refusal.Cloned })
        {
            return new SightingVerdict.Nothing();
        }

        if (sighting.OtherPlace is { } other)
        {
            return new SightingVerdict.Cloned($"two processes speak for it in turns on {sighting.Network}: {sighting.Place}, and {other}");
        }

        return KeyVerdict(state, held, sighting) ?? MachineVerdict(state, sighting);
    }

    private static SightingVerdict? KeyVerdict(NodeState state, HeldCredentials held, NodeSighting sighting)
    {
        if (sighting.KeyFingerprint is not { } shown)
        {
            return null;
        }

        var own = NodeLife.KeysOf(held).ToList();
        if (own.Count > 0 && !own.Contains(shown, StringComparer.Ordinal))
        {
            var known = state.Life.FormerKeys.Contains(shown) ? "which was revoked when it enrolled anew" : "which it never enrolled with";
            return new SightingVerdict.Cloned(
                $"a machine {Where(sighting)} uses the key {Short(shown)}, {known}; the one that enrolled on {held.ArrivedAt:u} in {state.Overlay} holds "
                + $"{string.Join(" and ", own.Select(Short))}, {(state.Life.Place is { } place ? $"seen at {place}" : "and has not been seen since")}");
        }

        return sighting.Standing == CredentialStanding.Expired
            ? Once(state, $"it goes on with a credential that has expired, {Where(sighting)}; it must enrol anew")
            : null;
    }

    private static SightingVerdict MachineVerdict(NodeState state, NodeSighting sighting)
    {
        var life = state.Life;
        if (sighting.MachineId is { } machine && life.MachineId is { } before && machine != before)
        {
            return new SightingVerdict.Cloned(
                $"the machine {machine} {Where(sighting)} uses the identity and key of the machine {before}, which was seen at {life.Place ?? "an unknown place"}");
        }

        var seen = life with { MachineId = life.MachineId ?? sighting.MachineId, Place = life.Place ?? sighting.Place };
        return seen == life ? new SightingVerdict.Nothing() : new SightingVerdict.Remember(seen);
    }

    // A machine that goes on for weeks says so once.
    private static SightingVerdict Once(NodeState state, string detail) =>
        state.History.Any(step => step.Detail == detail) ? new SightingVerdict.Nothing() : new SightingVerdict.Note(detail);

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
