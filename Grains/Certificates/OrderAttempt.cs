using System.Diagnostics;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Certificates;

/// <summary>Carries an order to the issuers that its profile allows, with its intent recorded before and its result after.</summary>
/// <remarks>Holds nothing of an order; shared by the grains of a silo.</remarks>
internal sealed class OrderAttempt(
    OrderRecord record,
    GuardedIssuers issuers,
    ProfileTrials trials,
    KeyAdmission keys,
    IOptionsMonitor<CertificatesOptions> options,
    TimeProvider time)
{
    private static readonly TimeSpan MisconfiguredPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AskAgainPause = TimeSpan.FromSeconds(1);

    /// <summary>How long after it was superseded a certificate is revoked.</summary>
    public TimeSpan RevocationGrace => options.CurrentValue.RevocationGrace;

    /// <summary>Why no issuer of a profile would be asked now; null when one would.</summary>
    public async Task<IssuanceOutcome.Deferred?> FindObstacleAsync(string profile)
    {
        var obstacles = new List<IssuanceOutcome.Deferred>();
        foreach (var issuer in options.CurrentValue.ProfileOrNull(profile)?.Issuers ?? [])
        {
            if ((trials.FindObstacle(issuer, profile) ?? await issuers.Of(issuer).FindObstacleAsync()) is not { } obstacle)
            {
                return null;
            }

            obstacles.Add(new IssuanceOutcome.Deferred(obstacle.Reason, obstacle.RetryAt));
        }

        return obstacles.Count > 0 ? Join(obstacles) : Unconfigured(profile);
    }

    /// <summary>Takes one step of an order; null when another writer was first and the order must be judged anew.</summary>
    public async Task<IssuanceOutcome?> TakeAsync(OrderDecision step, LedgerEntry entry, CertificateOrderRequest order)
    {
        if (step is OrderDecision.GiveUp lost)
        {
            return await record.GiveUpAsync(entry, $"{lost.Issuer} may have issued a certificate that was lost");
        }

        if (options.CurrentValue.ProfileOrNull(order.Profile) is not { } profile)
        {
            return Unconfigured(order.Profile);
        }

        switch (SigningRequestCheck.Judge(order.SigningRequestPem, order.Identity, order.Overlay, profile))
        {
            case SigningRequestVerdict.Refused refused:
                return await record.RefuseAsync(entry, refused.Refusal, refused.Detail);

            case SigningRequestVerdict.Accepted accepted:
                return await keys.AdmitAsync(accepted.Request, order.Identity) is { } unfit
                    ? await record.RefuseAsync(entry, unfit.Refusal, unfit.Detail)
                    : await TakeAsync(step, entry, new Draft(order, accepted.Request, profile));

            default:
                throw new UnreachableException();
        }
    }

    private Task<IssuanceOutcome?> TakeAsync(OrderDecision step, LedgerEntry entry, Draft draft) => step switch
    {
        OrderDecision.Ask => AskInTurnAsync(entry, draft),
        OrderDecision.AskAgain again => AskAgainAsync(again, entry, draft),
        OrderDecision.Reconcile lookup => ReconcileAsync(lookup, entry, draft),
        _ => throw new UnreachableException(),
    };

    private async Task<IssuanceOutcome?> AskInTurnAsync(LedgerEntry entry, Draft draft)
    {
        var deferrals = new List<IssuanceOutcome.Deferred>();
        foreach (var issuer in draft.Issuers)
        {
            var (outcome, current) = await AskAsync(issuers.Of(issuer), entry, draft, time.GetUtcNow(), owed: false);
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

    private static IssuanceOutcome.Deferred Join(IReadOnlyCollection<IssuanceOutcome.Deferred> deferrals) => new(
        string.Join("; ", deferrals.Select(deferred => deferred.Reason)), deferrals.Min(deferred => deferred.RetryAt));

    private IssuanceOutcome.Deferred Unconfigured(string profile) =>
        new($"the certificate profile '{profile}' is not configured", time.GetUtcNow() + MisconfiguredPause);

    private async Task<IssuanceOutcome?> AskAgainAsync(OrderDecision.AskAgain again, LedgerEntry entry, Draft draft) =>
        (await AskAsync(issuers.Of(again.Issuer), entry, draft, again.OrderedAt, owed: true)).Outcome;

    /// <param name="guarded">Whom to ask.</param>
    /// <param name="entry">The order's record.</param>
    /// <param name="draft">What to ask for.</param>
    /// <param name="orderedAt">The start of the validity to ask for.</param>
    /// <param name="owed">An earlier answer of this issuer is owed: a "not now" does not say that there is none.</param>
    /// <returns>The answer, null when another writer was first; and the record as it is then.</returns>
    private async Task<(IssuanceOutcome? Outcome, LedgerEntry Entry)> AskAsync(
        GuardedIssuer guarded, LedgerEntry entry, Draft draft, DateTimeOffset orderedAt, bool owed)
    {
        if (await trials.EnterAsync(guarded.Name, draft.Profile.Name, draft.Order.Deadline) is { } untried)
        {
            return (new IssuanceOutcome.Deferred(untried.Reason, untried.RetryAt), entry);
        }

        SigningOutcome? outcome = null;
        try
        {
            var verdict = await guarded.EnterAsync(draft.Order.Priority, draft.Order.Deadline, CancellationToken.None);
            if (verdict is GateVerdict.Deferred deferred)
            {
                return (new IssuanceOutcome.Deferred(deferred.Reason, deferred.RetryAt), entry);
            }

            if (await IntendAsync(guarded, entry, draft, orderedAt) is not { } intended)
            {
                return (null, entry);
            }

            outcome = await guarded.SignAsync(draft.OrderAt(orderedAt), CancellationToken.None);
            return await RecordAsync(guarded, intended, outcome, owed);
        }
        finally
        {
            trials.Leave(guarded.Name, draft.Profile.Name, outcome, guarded.AsideFor);
        }
    }

    private async Task<(IssuanceOutcome? Outcome, LedgerEntry Entry)> RecordAsync(
        GuardedIssuer guarded, LedgerEntry intended, SigningOutcome outcome, bool owed)
    {
        switch (outcome)
        {
            case SigningOutcome.Signed signed:
                return (await record.IssueAsync(intended, signed.Certificate), intended);

            case SigningOutcome.Refused refused:
                return (await record.RefuseAsync(intended with { AskedIssuer = null }, Refusal.IssuerRefused, refused.Detail), intended);

            case SigningOutcome.NotNow notNow:
                return await record.ReleaseAsync(intended, notNow.Detail, notNow.RetryAt, owed);

            case SigningOutcome.Wrong wrong:
                await record.KeepOrphanAsync(intended, wrong.Certificate, wrong.Detail);
                return await record.ReleaseAsync(intended, wrong.Detail, time.GetUtcNow() + MisconfiguredPause, owed: false);

            case SigningOutcome.Unknown unknown when guarded.Recovery == Recovery.None:
                return (await record.GiveUpAsync(intended, unknown.Detail), intended);

            case SigningOutcome.Unknown unknown:
                return await record.ReleaseAsync(intended, unknown.Detail, time.GetUtcNow() + AskAgainPause, owed: true);

            default:
                throw new UnreachableException();
        }
    }

    private async Task<LedgerEntry?> IntendAsync(GuardedIssuer guarded, LedgerEntry entry, Draft draft, DateTimeOffset orderedAt)
    {
        LedgerEntry? intended = null;
        try
        {
            return intended = await record.IntendAsync(entry, draft.Order, guarded.Name, orderedAt, guarded.AttemptMax);
        }
        finally
        {
            if (intended is null)
            {
                // Admitted, but nothing will be sent: the place is given back.
                guarded.LeaveUnused();
            }
        }
    }

    private async Task<IssuanceOutcome?> ReconcileAsync(OrderDecision.Reconcile lookup, LedgerEntry entry, Draft draft)
    {
        try
        {
            switch (await issuers.Of(lookup.Issuer).FindAsync(draft.OrderAt(lookup.OrderedAt), CancellationToken.None))
            {
                case SigningOutcome.Signed found:
                    return await record.IssueAsync(entry, found.Certificate);

                case SigningOutcome.Wrong wrong:
                    await record.KeepOrphanAsync(entry, wrong.Certificate, wrong.Detail);
                    return (await record.ReleaseAsync(entry, wrong.Detail, time.GetUtcNow() + MisconfiguredPause, owed: false)).Outcome;

                default:
                    // The attempt has ended and the CA does not know the key: nothing was signed, and it may be asked like new.
                    await record.ReleaseAsync(entry, $"{lookup.Issuer} did not sign it", time.GetUtcNow(), owed: false);
                    return null;
            }
        }
        catch (IssuerUnavailableException unavailable)
        {
            return new IssuanceOutcome.Deferred(unavailable.Message, time.GetUtcNow() + AskAgainPause);
        }
    }

    /// <summary>An order that may be sent: what is asked, with the request that was judged and the profile that it is made by.</summary>
    private sealed record Draft(CertificateOrderRequest Order, SigningRequest Request, CertificateProfile Profile)
    {
        /// <summary>Whom to ask: whoever hands out the certificate that came along, or else those that issue.</summary>
        public IEnumerable<string> Issuers => Order.Given is null
            ? Profile.Issuers.Where(issuer => issuer != HelperCertificates.IssuerName || Profile.Issuers.Count == 1)
            : [HelperCertificates.IssuerName];

        public CertificateOrder OrderAt(DateTimeOffset orderedAt) =>
            CertificateOrderBuilder.Build(Order.OrderId, Request, Order.Overlay, Profile, orderedAt) with { Given = Order.Given };
    }
}
