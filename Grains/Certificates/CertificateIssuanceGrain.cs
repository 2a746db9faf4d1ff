using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Flow;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace ControlPlane.Certificates;

/// <summary>Takes an order from wherever the ledger says it is to an answer: judged, intended, signed, checked, recorded.</summary>
/// <remarks>
/// Reentrant: orders wait for their CA side by side, in the order of the issuer's gate and not of the grain's mailbox. That an order
/// has one certificate at most rests on the ledger's compare-and-swap; this grain only spares it most of the conflicts. Who loses a write
/// reads again and judges anew; a write that threw may have been made, and what follows is judged by what the ledger holds.
/// </remarks>
[GrainType("certificate-issuance"), Reentrant]
internal sealed partial class CertificateIssuanceGrain(
    IGrainContext context,
    ICertificateLedger ledger,
    GuardedIssuers issuers,
    KeyAdmission keys,
    IOptionsMonitor<CertificatesOptions> options,
    CertificatesMeter meter,
    TimeProvider time,
    ILogger<CertificateIssuanceGrain> logger) : IGrainBase, ICertificateIssuanceGrain
{
    private const int UnderWayMax = 20_000;
    private const int ConflictsMax = 8;

    private static readonly TimeSpan ConflictPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LedgerPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MisconfiguredPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FindPause = TimeSpan.FromSeconds(1);

    // Beyond the issuer's own time limit: the answer has to be checked and written too.
    private static readonly TimeSpan RecordingTime = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string OrderId, string Digest), Task<IssuanceOutcome>> underWay = [];

    public IGrainContext GrainContext => context;

    private string Issuer { get; } = context.GrainId.Key.ToString()![..context.GrainId.Key.ToString()!.LastIndexOf('/')];

    /// <summary>Lower-case hexadecimal SHA-256 of the signing request as it was sent.</summary>
    public static string DigestOf(CertificateOrderRequest order) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(order.SigningRequestPem)));

    public async Task<IssuanceOutcome> Issue(CertificateOrderRequest order, CancellationToken cancellationToken)
    {
        var key = (order.OrderId, DigestOf(order));
        if (!underWay.TryGetValue(key, out var outcome))
        {
            if (underWay.Count >= UnderWayMax)
            {
                return Defer($"{UnderWayMax} orders are under way", ConflictPause);
            }

            outcome = IssueOnce(order, key);
            if (!outcome.IsCompleted)
            {
                underWay[key] = outcome;
            }
        }

        // The order goes on without its caller: what the CA answers must be recorded.
        return await outcome.WaitAsync(cancellationToken);
    }

    public async Task<IssuanceOutcome.Deferred?> FindObstacle(string profile, CancellationToken cancellationToken)
    {
        var obstacles = new List<IssuanceOutcome.Deferred>();
        foreach (var issuer in options.CurrentValue.ProfileOrNull(profile)?.Issuers ?? [])
        {
            if (await issuers.Of(issuer).FindObstacleAsync(profile) is not { } obstacle)
            {
                return null;
            }

            obstacles.Add(new IssuanceOutcome.Deferred(obstacle.Reason, obstacle.RetryAt));
        }

        return obstacles.Count > 0 ? Join(obstacles) : Unconfigured(profile);
    }

    public async Task<IssuedCertificate?> FindIssued(string orderId, CancellationToken cancellationToken) =>
        await ledger.ReadAsync(Issuer, orderId, cancellationToken) is { State: LedgerState.Issued } entry ? entry.Certificate : null;

    public async Task Close(string orderId, RevocationReason reason, CancellationToken cancellationToken)
    {
        for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
        {
            var entry = await ledger.ReadAsync(Issuer, orderId, cancellationToken);
            var closed = OrderDecision.Close(
                entry, Issuer, orderId, reason, options.CurrentValue.RevocationGrace, time.GetUtcNow());
            if (closed is null || await ledger.TryWriteAsync(closed, cancellationToken) is not null)
            {
                return;
            }
        }

        throw new LedgerUnavailableException($"the order {orderId} is being changed by others all the time");
    }

    private async Task<IssuanceOutcome> IssueOnce(CertificateOrderRequest order, (string OrderId, string Digest) key)
    {
        var began = time.GetTimestamp();
        try
        {
            var outcome = await Judge(order, key.Digest);
            meter.Answered(Issuer, outcome, time.GetElapsedTime(began));
            LogOutcome(order, outcome);
            return outcome;
        }
        finally
        {
            underWay.TryRemove(key, out _);
        }
    }

    private async Task<IssuanceOutcome> Judge(CertificateOrderRequest order, string digest)
    {
        try
        {
            // A new order is the rule: it is tried as one, and read only when the ledger says that it is not.
            LedgerEntry? entry = null;
            for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
            {
                var step = OrderDecision.Judge(entry, digest, issuers.CanFind, time.GetUtcNow());
                var outcome = step is OrderDecision.Answer answer
                    ? answer.Outcome
                    : await Take(step, entry ?? LedgerEntry.New(Issuer, order, digest, time.GetUtcNow()), order);
                if (outcome is not null)
                {
                    return outcome;
                }

                entry = await ledger.ReadAsync(Issuer, order.OrderId, CancellationToken.None);
            }

            return Defer("the order is being worked on elsewhere", ConflictPause);
        }
        catch (LedgerUnavailableException away)
        {
            return Defer(away.Message, LedgerPause);
        }
    }

    /// <summary>Takes one step of an order; null when another writer was first and the order must be judged anew.</summary>
    private async Task<IssuanceOutcome?> Take(OrderDecision step, LedgerEntry entry, CertificateOrderRequest order)
    {
        if (step is OrderDecision.GiveUp lost)
        {
            return await GiveUp(entry, $"{lost.Issuer} may have issued a certificate that was lost");
        }

        if (options.CurrentValue.ProfileOrNull(order.Profile) is not { } profile)
        {
            return Unconfigured(order.Profile);
        }

        if (OrderDraft.Judge(order, profile, out var refused) is not { } draft)
        {
            return await Refuse(entry, refused!.Refusal, refused.Detail);
        }

        return await keys.AdmitAsync(draft.Request, order.Identity) is { } unfit ? await Refuse(entry, unfit.Refusal, unfit.Detail)
            : step is OrderDecision.Find find ? await Find(find, entry, draft)
            : await AskInTurn(entry, draft);
    }

    private async Task<IssuanceOutcome?> AskInTurn(LedgerEntry entry, OrderDraft draft)
    {
        var deferrals = new List<IssuanceOutcome.Deferred>();
        foreach (var issuer in draft.Issuers)
        {
            var (outcome, current) = await Ask(issuers.Of(issuer), entry, draft);
            if (outcome is not IssuanceOutcome.Deferred deferred)
            {
                return outcome;
            }

            deferrals.Add(deferred);
            if (current.AttemptUntil is not null)
            {
                // This one may have signed: asking the next could make a second certificate.
                return deferred;
            }

            entry = current;
        }

        return Join(deferrals);
    }

    /// <returns>The answer, null when another writer was first; and the record as it is then.</returns>
    private async Task<(IssuanceOutcome? Outcome, LedgerEntry Entry)> Ask(GuardedIssuer issuer, LedgerEntry entry, OrderDraft draft)
    {
        var verdict = await issuer.EnterAsync(draft.Order, CancellationToken.None);
        if (verdict is GateVerdict.Deferred deferred)
        {
            return (new IssuanceOutcome.Deferred(deferred.Reason, deferred.RetryAt), entry);
        }

        LedgerEntry? intended = null;
        var orderedAt = time.GetUtcNow();
        try
        {
            intended = await Write(entry.Asking(issuer.Name, draft.Order, orderedAt, orderedAt + issuer.AttemptMax + RecordingTime));
            if (intended is null)
            {
                return (null, entry);
            }
        }
        finally
        {
            if (intended is null)
            {
                // Admitted, but nothing will be sent: the place is given back.
                issuer.LeaveUnused(verdict.Place, draft.Profile.Name);
            }
        }

        var outcome = await issuer.SignAsync(verdict.Place, draft.At(orderedAt), CancellationToken.None);
        return outcome is SigningOutcome.Unknown unknown
            ? await Lose(issuer, intended, unknown.Detail)
            : await Record(outcome, intended);
    }

    // What was signed can be found later or never; only in the first case the order goes on.
    private async Task<(IssuanceOutcome? Outcome, LedgerEntry Entry)> Lose(GuardedIssuer issuer, LedgerEntry intended, string detail) =>
        issuer.CanFind
            ? await Release(intended with { AttemptUntil = time.GetUtcNow() }, detail, time.GetUtcNow() + FindPause)
            : (await GiveUp(intended, detail), intended);

    /// <summary>Asks an issuer for what it signed before an answer was lost. Makes no second certificate.</summary>
    private async Task<IssuanceOutcome?> Find(OrderDecision.Find find, LedgerEntry entry, OrderDraft draft)
    {
        switch (await issuers.Of(find.Issuer).FindAsync(draft.At(find.OrderedAt), draft.Order, CancellationToken.None))
        {
            case null:
                // The attempt has ended and the CA does not know the key: nothing was signed, and it may be asked like new.
                await Release(entry.Released(), $"{find.Issuer} did not sign it", time.GetUtcNow());
                return null;

            // A "not now" of whoever owes an answer does not say that there is none.
            case SigningOutcome.NotNow notNow:
                return new IssuanceOutcome.Deferred(notNow.Detail, notNow.RetryAt);

            case SigningOutcome.Unknown unknown:
                return Defer(unknown.Detail, FindPause);

            case var found:
                return (await Record(found, entry)).Outcome;
        }
    }

    private async Task<(IssuanceOutcome? Outcome, LedgerEntry Entry)> Record(SigningOutcome outcome, LedgerEntry entry)
    {
        switch (outcome)
        {
            case SigningOutcome.Signed signed:
                return (await RecordIssued(entry, signed.Certificate), entry);

            case SigningOutcome.Refused refused:
                return (await Refuse(entry with { AskedIssuer = null }, Refusal.IssuerRefused, refused.Detail), entry);

            case SigningOutcome.NotNow notNow:
                return await Release(entry.Released(), notNow.Detail, notNow.RetryAt);

            case SigningOutcome.Wrong wrong:
                await Write(entry.Orphan(wrong.Certificate, wrong.Detail, time.GetUtcNow()));
                return await Release(entry.Released(), wrong.Detail, time.GetUtcNow() + MisconfiguredPause);

            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Records a certificate before it is given out. Whatever others wrote meanwhile, none is lost and one is given out.</summary>
    private async Task<IssuanceOutcome?> RecordIssued(LedgerEntry entry, IssuedCertificate certificate)
    {
        for (var conflicts = 0; conflicts < ConflictsMax; conflicts++)
        {
            switch (entry.State)
            {
                // That the outcome was given up does not make it less true.
                case LedgerState.Intended or LedgerState.OutcomeUnknown:
                    if (await Write(entry.IssuedAs(certificate)) is not null)
                    {
                        return new IssuanceOutcome.Issued(certificate);
                    }

                    break;

                case LedgerState.Issued when entry.Certificate?.SerialNumber == certificate.SerialNumber:
                    return new IssuanceOutcome.Issued(entry.Certificate);

                case LedgerState.RevocationDue when entry.Certificate is null:
                    if (await Write(entry with { Certificate = certificate, Request = null }) is not null)
                    {
                        return new IssuanceOutcome.Spent("the order was closed while it was signed");
                    }

                    break;

                default:
                    await Write(entry.Orphan(certificate, "signed for an order that was settled otherwise", time.GetUtcNow()));
                    return null;
            }

            entry = await ledger.ReadAsync(entry.Issuer, entry.OrderId, CancellationToken.None) ?? entry;
        }

        return null;
    }

    private async Task<(IssuanceOutcome? Outcome, LedgerEntry Entry)> Release(
        LedgerEntry released, string reason, DateTimeOffset retryAt) =>
        await Write(released) is { } written ? (new IssuanceOutcome.Deferred(reason, retryAt), written) : (null, released);

    // Unless a certificate may exist.
    private async Task<IssuanceOutcome?> Refuse(LedgerEntry entry, Refusal refusal, string detail) =>
        entry.AskedIssuer is not null
            ? await GiveUp(entry, $"{entry.AskedIssuer} may have issued a certificate; asked again it is refused: {detail}")
            : await Write(entry.RefusedAs(refusal, detail)) is null ? null : new IssuanceOutcome.Refused(refusal, detail);

    private async Task<IssuanceOutcome?> GiveUp(LedgerEntry entry, string detail) =>
        await Write(entry.Lost(detail)) is null ? null : new IssuanceOutcome.Spent(detail);

    // No token: what has happened must be recorded, whoever has lost interest.
    private Task<LedgerEntry?> Write(LedgerEntry entry) => ledger.TryWriteAsync(entry, CancellationToken.None);

    private IssuanceOutcome.Deferred Defer(string reason, TimeSpan pause) => new(reason, time.GetUtcNow() + pause);

    private IssuanceOutcome.Deferred Unconfigured(string profile) =>
        Defer($"the certificate profile '{profile}' is not configured", MisconfiguredPause);

    private static IssuanceOutcome.Deferred Join(IReadOnlyCollection<IssuanceOutcome.Deferred> deferrals) => new(
        string.Join("; ", deferrals.Select(deferred => deferred.Reason)), deferrals.Min(deferred => deferred.RetryAt));

    private void LogOutcome(CertificateOrderRequest order, IssuanceOutcome outcome)
    {
        switch (outcome)
        {
            case IssuanceOutcome.Issued { Certificate: var made }:
                LogIssued(order.Identity, order.OrderId, made.Issuer, made.SerialNumber, made.NotAfter);
                break;
            case IssuanceOutcome.Refused refused:
                LogRefused(order.Identity, order.OrderId, Issuer, refused.Refusal, refused.Detail);
                break;
            case IssuanceOutcome.Deferred deferred:
                LogDeferred(order.Identity, order.OrderId, Issuer, deferred.Reason, deferred.RetryAt);
                break;
            case IssuanceOutcome.Spent spent:
                LogSpent(order.Identity, order.OrderId, Issuer, spent.Detail);
                break;
            default:
                throw new UnreachableException();
        }
    }

    [LoggerMessage(LogLevel.Debug, "Order {Order} of {Node}: {Issuer} issued serial {Serial}, valid until {NotAfter}")]
    private partial void LogIssued(string node, string order, string issuer, string serial, DateTimeOffset notAfter);

    [LoggerMessage(LogLevel.Warning, "Order {Order} of {Node} at {Issuer} refused: {Refusal}, {Detail}")]
    private partial void LogRefused(string node, string order, string issuer, Refusal refusal, string detail);

    [LoggerMessage(LogLevel.Debug, "Order {Order} of {Node} at {Issuer} deferred until {RetryAt}: {Reason}")]
    private partial void LogDeferred(string node, string order, string issuer, string reason, DateTimeOffset retryAt);

    [LoggerMessage(LogLevel.Warning, "Order {Order} of {Node} at {Issuer} is spent: {Detail}")]
    private partial void LogSpent(string node, string order, string issuer, string detail);
}
