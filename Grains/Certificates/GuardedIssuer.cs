using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Flow;
using ControlPlane.X509;

namespace ControlPlane.Certificates;

/// <summary>One issuer as the grains use it: its gate, what it is trusted with, and its errors told apart.</summary>
internal sealed class GuardedIssuer(
    ICertificateIssuer issuer, IssuerOptions options, ProfileTrials trials, CertificatesMeter meter, TimeProvider time) : IDisposable
{
    // What an operator must mend does not mend in seconds.
    private static readonly TimeSpan MisconfiguredPause = TimeSpan.FromSeconds(30);

    /// <summary>How long it is believed what an issuer says of itself.</summary>
    private static readonly TimeSpan HealthKeptFor = TimeSpan.FromSeconds(5);

    private readonly Gate gate = options.OpenGate(issuer.Name, issuer.Capabilities.CertificatesPerMinuteMax, time);
    private readonly RefusalRecord refusals = new();
    private readonly IReadOnlyList<byte[]> trustedRoots =
        options.TrustedRoots.Length == 0 ? [] : PemCertificates.ReadDer(options.TrustedRoots);
    private volatile ProvenChain? proven;
    private volatile KnownHealth? health;

    public string Name => issuer.Name;

    /// <summary>Whether it can say what it signed for an order whose answer was lost.</summary>
    public bool CanFind => issuer.Capabilities.Repeatable || Catalog is not null;

    /// <summary>What revokes its certificates; null when nothing does.</summary>
    public ICertificateRevoker? Revoker =>
        issuer.Capabilities.RevokesBySerial || issuer.Capabilities.RevokesByCertificate ? issuer as ICertificateRevoker : null;

    /// <summary>What publishes its revocation lists; null when nothing does.</summary>
    public ICertificateRevocationListSource? RevocationLists =>
        issuer.Capabilities.PublishesRevocationList ? issuer as ICertificateRevocationListSource : null;

    /// <summary>The list of what it signed; null when it keeps none.</summary>
    public IIssuedCertificateCatalog? Catalog => issuer.Capabilities.KeepsIssued ? issuer as IIssuedCertificateCatalog : null;

    /// <summary>What tells whether it is set up for a profile; null when nothing does.</summary>
    public ICertificateProfileCheck? ProfileCheck => issuer as ICertificateProfileCheck;

    /// <summary>How long asking takes at most.</summary>
    public TimeSpan AttemptMax => options.Timeout;

    /// <summary>Orders that wait and orders that are with the issuer.</summary>
    public GateLoad Load => gate.Load;

    /// <summary>Whether it failed and has not served since, or said that it cannot when it was asked last.</summary>
    public bool IsFailing => gate.Load.Fault is not null || health is { Health: { IsCompletedSuccessfully: true, Result.Healthy: false } };

    /// <summary>Whether it signs: what it says of itself, unless it fails all the same.</summary>
    public async Task<IssuerHealth> CheckAsync() =>
        gate.Load.Fault is { } fault ? new IssuerHealth(false, $"it fails: {fault}") : await AskHealthAsync();

    /// <summary>Why an order for a profile would be deferred now; null when it would be sent.</summary>
    public async Task<GateVerdict.Deferred?> FindObstacleAsync(string profile) =>
        trials.FindObstacle(Name, profile) ?? gate.FindObstacle() ?? await FindSicknessAsync();

    /// <summary>The chain's certificate by whose end nothing can be issued any more, as the chain was last proven; null before.</summary>
    public X509Certificate2? FirstToEnd => proven?.Trust.FirstToEnd;

    /// <summary>
    /// Proves the issuer's chain before anything is signed: one that is away or leads nowhere would make each certificate one to revoke.
    /// </summary>
    /// <returns>The chain; empty where the issuer names it with its first certificate.</returns>
    /// <exception cref="IssuerMisconfiguredException">The chain leads nowhere.</exception>
    /// <exception cref="IssuerUnavailableException">The issuer did not tell it.</exception>
    public async Task<IReadOnlyList<byte[]>> ProveAsync(CancellationToken cancellationToken)
    {
        var chain = await issuer.GetChainAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (chain.Count > 0 && proven?.IsFresh(now) != true)
        {
            Prove(chain, now);
        }

        return chain;
    }

    /// <summary>
    /// Waits for the order's turn. Who is admitted leaves by <see cref="SignAsync"/> or <see cref="LeaveUnused"/>.
    /// </summary>
    public async Task<GateVerdict> EnterAsync(CertificateOrderRequest order, CancellationToken cancellationToken)
    {
        if (await trials.EnterAsync(Name, order.Profile, order.Deadline) is { } untried)
        {
            return untried;
        }

        GateVerdict? verdict = null;
        try
        {
            return verdict = await EnterGateAsync(order, cancellationToken);
        }
        finally
        {
            if (verdict is not GateVerdict.Admitted)
            {
                trials.Leave(Name, order.Profile, outcome: null, options.AsideFor);
            }
        }
    }

    /// <summary>Gives the place back: nothing will be sent.</summary>
    public void LeaveUnused(GateVerdict.Admitted place, string profile)
    {
        place.Dispose();
        trials.Leave(Name, profile, outcome: null, options.AsideFor);
    }

    /// <summary>
    /// Has an order signed and the answer checked. Whoever calls was admitted by <see cref="EnterAsync"/>, and leaves by this.
    /// </summary>
    public async Task<SigningOutcome> SignAsync(GateVerdict.Admitted place, CertificateOrder order, CancellationToken cancellationToken)
    {
        var (outcome, result, retryAfter) = await AskAsync(order, cancellationToken);
        var detail = outcome switch
        {
            SigningOutcome.NotNow notNow => notNow.Detail,
            SigningOutcome.Wrong wrong => wrong.Detail,
            SigningOutcome.Unknown unknown => unknown.Detail,
            _ => "",
        };
        place.Leave(result, retryAfter, detail);
        trials.Leave(Name, order.Profile.Name, outcome, options.AsideFor);
        return outcome;
    }

    /// <summary>Finds what was signed for an order whose answer was lost; null when nothing was. Makes no second certificate.</summary>
    /// <param name="order">The order, as it was sent.</param>
    /// <param name="asked">How it was asked for: how long it may wait now, and behind whom.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<SigningOutcome?> FindAsync(
        CertificateOrder order, CertificateOrderRequest asked, CancellationToken cancellationToken)
    {
        if (issuer.Capabilities.Repeatable)
        {
            // Asked again, it makes the same certificate with the same serial number.
            return await EnterGateAsync(asked, cancellationToken) switch
            {
                GateVerdict.Admitted place => await SignAsync(place, order, cancellationToken),
                GateVerdict.Deferred deferred => new SigningOutcome.NotNow(deferred.Reason, deferred.RetryAt),
                _ => throw new UnreachableException(),
            };
        }

        try
        {
            // Not through the gate: a search is many small calls, and may take longer than any order.
            return Catalog is { } catalog
                && await catalog.FindAsync(order, cancellationToken) is { } der
                && CertificateFields.ReadOrNull(der) is { } certificate
                ? Judge(order, certificate, await issuer.GetChainAsync(cancellationToken))
                : null;
        }
        catch (Exception away) when (away is IssuerUnavailableException or IssuerThrottledException or IssuerMisconfiguredException)
        {
            return NotNow(away, away is IssuerThrottledException busy ? busy.RetryAfter : options.BreakFor);
        }
    }

    public void Dispose() => gate.Dispose();

    private async Task<(SigningOutcome Outcome, CallResult Result, TimeSpan RetryAfter)> AskAsync(
        CertificateOrder order, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var wasAsked = false;
        try
        {
            var chain = await ProveAsync(either.Token).WaitAsync(either.Token);
            wasAsked = true;

            // Waited for here too: an adapter that overlooks its token must not hold the order beyond the recorded time.
            var signed = await issuer.IssueAsync(order, either.Token).WaitAsync(either.Token);
            var outcome = CertificateFields.ReadOrNull(signed.CertificateDer) is { } certificate
                ? Judge(order, certificate, signed.ChainDer.Count > 0 ? signed.ChainDer : chain)
                : new SigningOutcome.Unknown($"{Name} answered something that is not a certificate");
            if (outcome is not SigningOutcome.Signed)
            {
                return (outcome, CallResult.Harmful, default);
            }

            refusals.OnSigned(order.OrderId);
            return (outcome, CallResult.Answered, default);
        }
        catch (IssuerRefusedException refused)
        {
            return refusals.OnRefused(order.OrderId) switch
            {
                RefusalVerdict.OfTheOrder => (new SigningOutcome.Refused(refused.Message), CallResult.Answered, default),
                RefusalVerdict.Repeated => (NotNow(refused, MisconfiguredPause), CallResult.Unused, default),
                _ => (NotNow(refused, MisconfiguredPause), CallResult.Failed, default),
            };
        }
        catch (IssuerThrottledException throttled)
        {
            return (NotNow(throttled, throttled.RetryAfter), CallResult.Throttled, throttled.RetryAfter);
        }
        catch (IssuerUnavailableException unavailable)
        {
            return (NotNow(unavailable, options.BreakFor), CallResult.Failed, default);
        }
        catch (IssuerMisconfiguredException misconfigured)
        {
            return (NotNow(misconfigured, MisconfiguredPause), CallResult.Failed, default);
        }
        catch (Exception early) when (!wasAsked)
        {
            return (NotNow(early, options.BreakFor), CallResult.Failed, default);
        }
        catch (OperationCanceledException)
        {
            return Lost($"{Name} did not answer within {options.Timeout.TotalSeconds:0} seconds");
        }

        // The top of what an adapter may throw: what it did before it broke its promise cannot be known, and the order must not hang.
        catch (Exception broken)
        {
            return Lost($"{Name} failed with {broken.GetType().Name}: {broken.Message}");
        }
    }

    // What no one can find again costs the node its key.
    private (SigningOutcome Outcome, CallResult Result, TimeSpan RetryAfter) Lost(string detail) =>
        (new SigningOutcome.Unknown(detail), CanFind ? CallResult.Failed : CallResult.Harmful, default);

    private async Task<GateVerdict> EnterGateAsync(CertificateOrderRequest order, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();

        // After a failure it is asked how it is before an order is tried: a lost order costs the node its key.
        var obstacle = gate.FindObstacle() ?? (gate.Load.Fault is null ? null : await FindSicknessAsync());
        var ticket = new GateTicket(Priority: (int)order.Priority, Deadline: order.Deadline);
        var verdict = obstacle ?? await gate.EnterAsync(ticket, cancellationToken);
        meter.Waited(Name, verdict, time.GetElapsedTime(began));
        return verdict;
    }

    private async Task<GateVerdict.Deferred?> FindSicknessAsync() => await AskHealthAsync() is { Healthy: false } sick
        ? new GateVerdict.Deferred($"{Name} cannot issue: {sick.Detail}", time.GetUtcNow() + options.BreakFor)
        : null;

    private Task<IssuerHealth> AskHealthAsync()
    {
        if (health is not { } known || time.GetElapsedTime(known.At) >= HealthKeptFor)
        {
            health = known = new KnownHealth(time.GetTimestamp(), AskHealthOnceAsync());
        }

        return known.Health;
    }

    private async Task<IssuerHealth> AskHealthOnceAsync()
    {
        using var patience = new CancellationTokenSource(options.StalledAfter, time);
        try
        {
            return await issuer.CheckAsync(patience.Token).WaitAsync(patience.Token);
        }
        catch (Exception unable)
        {
            // The top of what an adapter may throw, as for orders.
            return new IssuerHealth(false, $"it does not say how it is: {unable.Message}");
        }
    }

    private SigningOutcome.NotNow NotNow(Exception reason, TimeSpan wait) => new(reason.Message, time.GetUtcNow() + wait);

    private SigningOutcome Judge(CertificateOrder order, CertificateFields certificate, IReadOnlyList<byte[]> chain)
    {
        var now = time.GetUtcNow();
        try
        {
            var trust = Prove(chain, now);
            var faults = IssuedCertificateCheck.Faults(order, certificate, trust, issuer.Capabilities, now);
            var issued = Describe(order, certificate, trust.ChainPem);
            return faults.Count == 0
                ? new SigningOutcome.Signed(issued)
                : new SigningOutcome.Wrong(issued, $"the certificate that {Name} answered {string.Join(" and ", faults)}");
        }
        catch (IssuerMisconfiguredException unproven)
        {
            // It was signed, and leads nowhere: as wrong as one that is proven not to be ours.
            return new SigningOutcome.Wrong(Describe(order, certificate, ""), unproven.Message);
        }
    }

    private IssuerTrust Prove(IReadOnlyList<byte[]> chain, DateTimeOffset now)
    {
        if (proven is { } current && current.Covers(chain, now))
        {
            return current.Trust;
        }

        var trust = IssuerTrust.Build(chain, trustedRoots, now);
        proven = new ProvenChain(chain, trust, now + ProvenChain.ValidFor);
        return trust;
    }

    private IssuedCertificate Describe(CertificateOrder order, CertificateFields certificate, string chainPem) => new(
        order.OrderId,
        Name,
        certificate.SerialText,
        PemEncoding.WriteString("CERTIFICATE", certificate.Der.Span) + "\n",
        chainPem,
        certificate.NotBefore,
        certificate.NotAfter,
        Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKeyInfo.Span)));

    private sealed record KnownHealth(long At, Task<IssuerHealth> Health);

    /// <summary>A chain that was proven a moment ago: proving takes a millisecond, comparing almost nothing.</summary>
    private sealed record ProvenChain(IReadOnlyList<byte[]> Chain, IssuerTrust Trust, DateTimeOffset Until)
    {
        public static readonly TimeSpan ValidFor = TimeSpan.FromMinutes(1);

        public bool IsFresh(DateTimeOffset now) => now < Until && now >= Until - ValidFor;

        public bool Covers(IReadOnlyList<byte[]> chain, DateTimeOffset now) =>
            IsFresh(now)
            && (ReferenceEquals(chain, Chain)
                || (chain.Count == Chain.Count && chain.Zip(Chain).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second))));
    }
}
