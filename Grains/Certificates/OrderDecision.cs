using System.Diagnostics;
using ControlPlane.Nodes;

namespace ControlPlane.Certificates;

/// <summary>What to do about an order, by what the ledger holds of it.</summary>
internal abstract record OrderDecision
{
    /// <summary>It is settled, or someone else is at it: answer this.</summary>
    public sealed record Answer(IssuanceOutcome Outcome) : OrderDecision;

    /// <summary>No issuer can have a certificate of it: ask one.</summary>
    public sealed record Ask : OrderDecision;

    /// <summary>An issuer that repeats itself may have signed: ask the same one the same again.</summary>
    public sealed record AskAgain(string Issuer, DateTimeOffset OrderedAt) : OrderDecision;

    /// <summary>An issuer that lists what it signed may have signed: look there.</summary>
    public sealed record Reconcile(string Issuer, DateTimeOffset OrderedAt) : OrderDecision;

    /// <summary>An issuer may have signed and no one can find out: the order is spent.</summary>
    public sealed record GiveUp(string Issuer) : OrderDecision;

    /// <summary>Judges an order. Pure.</summary>
    /// <param name="entry">What the ledger holds; null when nothing.</param>
    /// <param name="requestDigest">The digest of the request that is made now.</param>
    /// <param name="recoveryOf">How a lost answer of an issuer is found again.</param>
    /// <param name="now">The time.</param>
    public static OrderDecision Judge(LedgerEntry? entry, string requestDigest, Func<string, Recovery> recoveryOf, DateTimeOffset now)
    {
        if (entry is null)
        {
            return new Ask();
        }

        // An order that was closed before it was ever made carries no digest.
        if (entry.RequestDigest.Length > 0 && entry.RequestDigest != requestDigest)
        {
            // Whoever forgot the first request, it was not the node.
            return Spent("the order was made before with another signing request");
        }

        return entry.State switch
        {
            LedgerState.Intended => JudgeIntended(entry, recoveryOf, now),
            LedgerState.Issued => new Answer(new IssuanceOutcome.Issued(
                entry.Certificate ?? throw new UnreachableException("an issued order has its certificate"))),
            LedgerState.Refused => Refused(entry.Refusal ?? Refusal.IssuerRefused, entry.Detail ?? ""),
            LedgerState.OutcomeUnknown => Spent($"{entry.AskedIssuer} may have issued a certificate that was lost"),
            _ => Spent("the order was closed"),
        };
    }

    private static OrderDecision JudgeIntended(LedgerEntry entry, Func<string, Recovery> recoveryOf, DateTimeOffset now)
    {
        if (entry.AskedIssuer is not { } issuer || entry.AttemptUntil is not { } until)
        {
            return new Ask();
        }

        // Another activation or silo is waiting for the CA, or died while it did. Which of both, only time can tell.
        if (now < until)
        {
            return new Answer(new IssuanceOutcome.Deferred($"{issuer} is being asked elsewhere", until));
        }

        var orderedAt = entry.OrderedAt ?? entry.CreatedAt;
        return recoveryOf(issuer) switch
        {
            Recovery.ByRepeating => new AskAgain(issuer, orderedAt),
            Recovery.ByCatalog => new Reconcile(issuer, orderedAt),
            _ => new GiveUp(issuer),
        };
    }

    private static Answer Refused(Refusal refusal, string detail) => new(new IssuanceOutcome.Refused(refusal, detail));

    private static Answer Spent(string detail) => new(new IssuanceOutcome.Spent(detail));
}

/// <summary>How a lost answer of an issuer is found again.</summary>
internal enum Recovery
{
    None = 0,
    ByRepeating = 1,
    ByCatalog = 2,
}
