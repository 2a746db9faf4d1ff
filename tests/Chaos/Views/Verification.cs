using ControlPlane.Adapters.Choria;
using ControlPlane.Certificates;
using ControlPlane.FleetSimulator;
using ControlPlane.Nodes;

namespace ControlPlane.Chaos;

/// <summary>Holds what the control plane says against what the nodes have. Pure.</summary>
internal static class Verification
{
    private const int ShownMax = 20;

    public static IReadOnlyList<string> Faults(
        IReadOnlyList<SimulatedNode> nodes,
        IReadOnlyList<RosterEntry> listed,
        IReadOnlyDictionary<string, NodeSnapshot> held,
        IReadOnlyList<LedgerEntry> orders)
    {
        var roster = listed.ToDictionary(entry => entry.Identity, StringComparer.Ordinal);
        var ledger = orders.ToLookup(order => order.Identity, StringComparer.Ordinal);
        return [.. nodes.SelectMany(node => FaultsOf(node, roster, held, ledger).Select(fault => $"{node.Identity}: {fault}"))];
    }

    /// <summary>The first few, and how many more there are.</summary>
    public static IEnumerable<string> Shortened(IReadOnlyList<string> faults) => faults.Count <= ShownMax
        ? faults
        : faults.Take(ShownMax).Append($"and {faults.Count - ShownMax} more");

    private static IEnumerable<string> FaultsOf(
        SimulatedNode node,
        Dictionary<string, RosterEntry> roster,
        IReadOnlyDictionary<string, NodeSnapshot> held,
        ILookup<string, LedgerEntry> ledger)
    {
        if (!roster.TryGetValue(node.Identity, out var entry))
        {
            return ["the control plane never heard of it"];
        }

        if (!node.MayArrive)
        {
            return NotEnrolled(node, entry);
        }

        return entry.Stage == NodeStage.Enrolled && held.TryGetValue(node.Identity, out var snapshot)
            ? Enrolled(node, snapshot, ledger[node.Identity])
            : [$"is {entry.Stage}, not enrolled: {entry.Reason ?? "no reason given"}"];
    }

    private static IEnumerable<string> NotEnrolled(SimulatedNode node, RosterEntry entry)
    {
        if (entry.Stage is not (NodeStage.Silent or NodeStage.Quarantined))
        {
            yield return $"is {entry.Stage}, and was not meant to be enrolled ({node.Fault})";
        }
        else if (string.IsNullOrEmpty(entry.Reason))
        {
            yield return $"is {entry.Stage} without a reason";
        }
    }

    private static IEnumerable<string> Enrolled(SimulatedNode node, NodeSnapshot snapshot, IEnumerable<LedgerEntry> orders)
    {
        if (node.Stage != SimulatedNodeStage.Arrived)
        {
            yield return $"is said to be enrolled and is {node.Stage} itself: {node.Problem}";
        }

        if (node.Protocol == ChoriaProtocol.V2 && snapshot.Certificate is null)
        {
            if (snapshot.ServerTokenExpiresAt is null)
            {
                yield return "was given neither a certificate nor a server token";
            }

            yield break;
        }

        if (snapshot.Certificate is not { } certificate)
        {
            yield return "has no certificate";
            yield break;
        }

        if (certificate.PublicKeyFingerprint != node.PublicKeyFingerprint)
        {
            yield return "its certificate is of another key than the one on its disk";
        }

        // Nodes of a large fleet share keys, so the key alone would not tell their certificates apart.
        if (certificate.SerialNumber != node.CertificateSerial?.TrimStart('0'))
        {
            yield return "its certificate is another than the one on its disk";
        }

        var valid = orders.Where(order => order.State is LedgerState.Issued or LedgerState.OutcomeUnknown or LedgerState.Intended).ToList();
        if (valid is not [{ State: LedgerState.Issued, Certificate: { } issued }] || issued.SerialNumber != certificate.SerialNumber)
        {
            yield return $"the ledger holds {valid.Count} unrevoked orders of it, not the one of its certificate";
        }
    }
}
