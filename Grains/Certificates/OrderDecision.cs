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

    /// <summary>An issuer may have signed, and can say what: ask it for that.</summary>
    public sealed record Find(string Issuer, DateTimeOffset OrderedAt) : OrderDecision;

    /// <summary>An issuer may have signed and no one can find out: the order is spent.</summary>
    public sealed record GiveUp(string Issuer) : OrderDecision;

    /// <summary>Judges an order. Pure.</summary>
    /// <param name="entry">What the ledger holds; null when nothing.</param>
    /// <param name="requestDigest">The digest of the request that is made now.</param>
    /// <param name="canFind">Whether an issuer can say what it signed.</param>
    /// <param name="now">The time.</param>
    public static OrderDecision Judge(LedgerEntry? entry, string requestDigest, Func<string, bool> canFind, DateTimeOffset now)
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
            LedgerState.Intended => JudgeIntended(entry, canFind, now),
            LedgerState.Issued => new Answer(new IssuanceOutcome.Issued(
                entry.Certificate ?? throw new UnreachableException("an issued order has its certificate"))),
            LedgerState.Refused => new Answer(
                new IssuanceOutcome.Refused(entry.Refusal ?? Refusal.IssuerRefused, entry.Detail ?? "")),
            LedgerState.OutcomeUnknown => Spent($"{entry.AskedIssuer} may have issued a certificate that was lost"),
            _ => Spent("the order was closed"),
        };
    }

    /// <summary>What becomes of an order that is closed: the entry to write; null when it is closed already. Pure.</summary>
    public static LedgerEntry? Close(
        LedgerEntry? entry, string issuer, string orderId, RevocationReason reason, TimeSpan grace, DateTimeOffset now)
    {
        if (entry is null)
        {
            // Closed before it was made: recorded all the same, since its Issue may still be on the way.
            return new LedgerEntry(issuer, orderId, "", LedgerState.Closed, "", now, null, reason, "closed before it was made", Version: 0);
        }

        return entry.State switch
        {
            LedgerState.Closed or LedgerState.RevocationDue => null,
            LedgerState.Refused => entry with { State = LedgerState.Closed },
            LedgerState.Intended when entry.AttemptUntil is null => entry.Closed("closed before a CA was asked"),

            // A certificate that the node holds, or that a CA made or may yet make: the sweep revokes it. A compromised key waits for no
            // one.
            _ => entry with
            {
                State = LedgerState.RevocationDue,
                RevocationReason = reason,
                RevocationDueAt = now + (reason == RevocationReason.KeyCompromise ? TimeSpan.Zero : grace),
            },
        };
    }

    private static OrderDecision JudgeIntended(LedgerEntry entry, Func<string, bool> canFind, DateTimeOffset now)
    {
        if (entry.AskedIssuer is not { } issuer || entry.AttemptUntil is not { } until)
        {
            return new Ask();
        }

        // Another activation or silo is waiting for the CA, or died while it did. Which of both, only time can tell.
        return now < until ? new Answer(new IssuanceOutcome.Deferred($"{issuer} is being asked elsewhere", until))
            : canFind(issuer) ? new Find(issuer, entry.OrderedAt ?? entry.CreatedAt)
            : new GiveUp(issuer);
    }

    private static Answer Spent(string detail) => new(new IssuanceOutcome.Spent(detail));
}
