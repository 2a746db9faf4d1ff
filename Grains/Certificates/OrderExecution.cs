using System.Security.Cryptography;
using System.Text;

namespace ControlPlane.Certificates;

/// <summary>Takes an order from wherever the ledger says it is to an answer, and closes orders.</summary>
internal sealed class OrderExecution(ICertificateLedger ledger, GuardedIssuers issuers, OrderAttempt attempt, TimeProvider time)
{
    private const int ConflictsMax = 8;
    private static readonly TimeSpan ConflictPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LedgerPause = TimeSpan.FromSeconds(5);

    /// <summary>Lower-case hexadecimal SHA-256 of the signing request as it was sent.</summary>
    public static string DigestOf(CertificateOrderRequest order) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(order.SigningRequestPem)));

    /// <param name="issuer">Under whose name the ledger keeps the order: the first issuer of its profile.</param>
    /// <param name="order">The order.</param>
    /// <param name="digest">Its request's <see cref="DigestOf"/>.</param>
    public async Task<IssuanceOutcome> IssueAsync(string issuer, CertificateOrderRequest order, string digest)
    {
        try
        {
            // A new order is the rule: it is tried as one, and read only when the ledger says that it is not.
            LedgerEntry? entry = null;
            for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
            {
                var step = OrderDecision.Judge(entry, digest, issuers.RecoveryOf, time.GetUtcNow());
                var outcome = step is OrderDecision.Answer answer
                    ? answer.Outcome
                    : await attempt.TakeAsync(step, entry ?? NewEntry(issuer, order, digest), order);
                if (outcome is not null)
                {
                    return outcome;
                }

                entry = await ledger.ReadAsync(issuer, order.OrderId, CancellationToken.None);
            }

            return new IssuanceOutcome.Deferred("the order is being worked on elsewhere", time.GetUtcNow() + ConflictPause);
        }
        catch (LedgerUnavailableException away)
        {
            return new IssuanceOutcome.Deferred(away.Message, time.GetUtcNow() + LedgerPause);
        }
    }

    /// <exception cref="LedgerUnavailableException">It is not known to be closed; ask again.</exception>
    public async Task CloseAsync(string issuer, string orderId, RevocationReason reason, CancellationToken cancellationToken)
    {
        for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
        {
            var entry = await ledger.ReadAsync(issuer, orderId, cancellationToken);
            var closed = OrderClosing.Close(entry, issuer, orderId, reason, attempt.RevocationGrace, time.GetUtcNow());
            if (closed is null || await ledger.TryWriteAsync(closed, cancellationToken) is not null)
            {
                return;
            }
        }

        throw new LedgerUnavailableException($"the order {orderId} is being changed by others all the time");
    }

    private LedgerEntry NewEntry(string issuer, CertificateOrderRequest order, string digest) => new(
        issuer,
        order.OrderId,
        order.Identity,
        LedgerState.Intended,
        digest,
        time.GetUtcNow(),
        Certificate: null,
        RevocationReason: null,
        Detail: null,
        Version: 0);
}
