using System.Security.Cryptography.X509Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Chaos;

/// <summary>Invariants 3, 4 and 9: what was issued is recorded, what is superseded is revoked, and names are exact.</summary>
internal static class CertificateCheck
{
    public static (int Checked, IEnumerable<Violation> Violations) Lineage(FleetFacts facts)
    {
        var recorded = facts.Ledger.Where(order => order.Certificate is not null)
            .ToDictionary(order => order.Certificate!.SerialNumber, StringComparer.OrdinalIgnoreCase);

        var unrecorded =
            from operation in facts.Operations
            where operation is { Name: "ICertificateIssuanceGrain.Issue", Phase: OperationPhase.Ok }
            let serial = operation.Fact("serial")
            where serial.Length > 0 && !recorded.ContainsKey(serial)
            select new Violation(3, operation.Fact("node"), $"was given the certificate {serial}, which the ledger does not know");

        var unrevoked =
            from order in facts.Ledger
            where order.State == LedgerState.Closed
            let serial = order.Certificate?.SerialNumber
            where serial is not null && !facts.RevokedSerials.Contains(serial)
            select new Violation(3, order.OrderId, $"is closed, and its certificate {serial} is not revoked");

        var left =
            from order in facts.Ledger
            where order.State is LedgerState.Intended or LedgerState.OutcomeUnknown or LedgerState.RevocationDue
            select new Violation(3, order.OrderId, $"is left as {order.State}");

        // An order that was closed stays closed, whatever is asked of it afterwards.
        var closed = facts.Operations
            .Where(operation => operation is { Name: "ICertificateIssuanceGrain.Close", Phase: OperationPhase.Ok })
            .Select(operation => operation.Fact("order"))
            .ToHashSet(StringComparer.Ordinal);
        var alive =
            from order in facts.Ledger
            where order.State == LedgerState.Issued && closed.Contains(order.OrderId)
            select new Violation(3, order.OrderId, "was closed and is valid all the same");

        return (recorded.Count, unrecorded.Concat(unrevoked).Concat(left).Concat(alive));
    }

    /// <summary>Invariant 9: what is valid is for the key on the disk of the node whose name it bears.</summary>
    public static (int Checked, IEnumerable<Violation> Violations) Asked(FleetFacts facts)
    {
        var keys = facts.Nodes.ToDictionary(node => node.Identity, node => node.PublicKeyFingerprint, StringComparer.Ordinal);
        var valid = facts.Ledger.Where(order => order.State == LedgerState.Issued).ToList();
        var unasked =
            from order in valid
            let certificate = order.Certificate
            where certificate is not null && keys.GetValueOrDefault(order.Identity) != certificate.PublicKeyFingerprint
            select new Violation(9, order.Identity, $"did not ask for its certificate {certificate.SerialNumber}, which is valid");
        return (valid.Count, unasked);
    }

    public static (int Checked, IEnumerable<Violation> Violations) Names(FleetFacts facts)
    {
        var issued = facts.Ledger.Where(order => order.Certificate is not null).ToList();
        return (issued.Count, issued.SelectMany(order => NameFaults(order).Select(fault => new Violation(4, order.OrderId, fault))));
    }

    private static IEnumerable<string> NameFaults(LedgerEntry order)
    {
        using var certificate = X509Certificate2.CreateFromPem(order.Certificate!.CertificatePem);
        if (certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) != order.Identity)
        {
            yield return $"its common name is not {order.Identity}";
        }

        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(names => names.EnumerateDnsNames()).ToList();
        if (names is not [var only] || only != order.Identity)
        {
            yield return $"it names [{string.Join(", ", names)}] and not {order.Identity} alone";
        }

        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority))
        {
            yield return "it is a CA";
        }
    }
}
