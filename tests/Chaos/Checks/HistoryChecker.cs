namespace ControlPlane.Chaos;

/// <summary>Judges a fleet at rest by the invariants of the architecture. Pure: facts in, violations out.</summary>
internal static class HistoryChecker
{
    private static readonly (
        int Invariant, string Title, Func<FleetFacts, (int Checked, IEnumerable<Violation> Violations)> Check)[] Checks =
    [
        (1, "every node is enrolled, put off with a reason, quarantined or gone", RestCheck.Stages),
        (2, "an enrolled node holds its one valid certificate", RestCheck.Credentials),
        (2, "exactly one overlay owns a node", OwnerCheck.Owners),
        (3, "every certificate is in the ledger; superseded ones are revoked", CertificateCheck.Lineage),
        (4, "a certificate names exactly its node", CertificateCheck.Names),
        (5, "no overlay exceeds its limit", PlacementCheck.Limits),
        (6, "what a stream holds was handed to its node", EventCheck.Delivered),
        (7, "every call is in the record of calls, which verifies", AuditCheck.Recorded),
        (8, "no secret was written", SecretCheck.Absent),
        (9, "no certificate in the name of a node that did not ask for it", CertificateCheck.Asked),
    ];

    public static IReadOnlyList<CheckedInvariant> Check(FleetFacts facts) =>
    [
        .. from check in Checks
           let result = check.Check(facts)
           select new CheckedInvariant(check.Invariant, check.Title, result.Checked, [.. result.Violations]),
    ];
}

/// <param name="Invariant">Its number in the architecture.</param>
/// <param name="Title">What it says.</param>
/// <param name="Checked">How many things were held against it; none checked is nothing shown.</param>
/// <param name="Violations">Where it does not hold.</param>
internal sealed record CheckedInvariant(int Invariant, string Title, int Checked, IReadOnlyList<Violation> Violations);
