namespace ControlPlane.Certificates;

/// <summary>What becomes of an order that is closed. Pure.</summary>
internal static class OrderClosing
{
    /// <summary>The entry to write; null when the order is closed already.</summary>
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
            LedgerState.Intended when entry.AttemptUntil is null => entry with
            {
                State = LedgerState.Closed, Detail = "closed before a CA was asked", Request = null,
            },

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
}
