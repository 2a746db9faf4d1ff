using ControlPlane.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Certificates;

public sealed class CertificateOrdersTests
{
    private const string Identity = "web1.example.net";
    private readonly InMemoryCertificateLedger ledger = new();
    private readonly InMemoryKeyRegister keys = new();
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 0, 0, 0, TimeSpan.Zero));
    private readonly ScriptedIssuer first = new("first");
    private readonly ScriptedIssuer second = new("second");
    private readonly string request = SigningRequests.Choria(Identity);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task IssueAsync_RecordsTheIntentBeforeTheCaIsCalled_AndTheResultBeforeItIsGivenOut()
    {
        var silo = OpenSilo();
        first.BeforeSigning = (_, _) =>
        {
            var intended = Assert.Single(ledger.Entries);
            Assert.Equal((LedgerState.Intended, "first"), (intended.State, intended.AskedIssuer));
            return Task.CompletedTask;
        };

        var issued = Assert.IsType<IssuanceOutcome.Issued>(await silo.IssueAsync(Order()));

        var entry = Assert.Single(ledger.Entries);
        Assert.Equal((LedgerState.Issued, issued.Certificate, (DateTimeOffset?)null), (entry.State, entry.Certificate, entry.AttemptUntil));
        Assert.Equal(2, ledger.Writes.Count);
        Assert.Equal(1, first.Calls);
    }

    [Fact]
    public async Task IssueAsync_GivesTheSameCertificate_WhenTheOrderIsRepeatedAnywhere()
    {
        var issued = await OpenSilo().IssueAsync(Order());

        Assert.Equal(issued, await OpenSilo().IssueAsync(Order()));
        Assert.Equal(1, first.Calls);
    }

    [Fact]
    public async Task IssueAsync_SpendsTheOrder_WhenItIsRepeatedWithAnotherRequest()
    {
        await OpenSilo().IssueAsync(Order());

        var outcome = await OpenSilo().IssueAsync(Order() with { SigningRequestPem = SigningRequests.Elliptic(Identity) });

        Assert.IsType<IssuanceOutcome.Spent>(outcome);
        Assert.Equal(1, first.Calls);
    }

    [Fact]
    public async Task IssueAsync_RefusesWithoutCallingTheCa_WhenTheRequestBreaksARule()
    {
        var outcome = await OpenSilo().IssueAsync(Order() with { SigningRequestPem = SigningRequests.Choria("web2.example.net") });

        Assert.Equal(Refusal.IdentityMismatch, Assert.IsType<IssuanceOutcome.Refused>(outcome).Refusal);
        Assert.Equal(0, first.Calls);
        Assert.Equal((LedgerState.Refused, Refusal.IdentityMismatch), (ledger.Entries[0].State, ledger.Entries[0].Refusal));
    }

    [Fact]
    public async Task IssueAsync_Refuses_AKeyOnTheListOfRejectedOnes()
    {
        var issued = Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo().IssueAsync(Order()));
        var silo = OpenSilo(options => options.RejectedKeys.Add(issued.Certificate.PublicKeyFingerprint));

        var outcome = await silo.IssueAsync(Order("web1.example.net/2"));

        Assert.Equal(Refusal.KeyUnacceptable, Assert.IsType<IssuanceOutcome.Refused>(outcome).Refusal);
    }

    [Fact]
    public async Task IssueAsync_Refuses_TheKeyOfAnotherNode_WithoutCallingTheCa()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        await OpenSilo().IssueAsync(Order() with { SigningRequestPem = SigningRequests.Make(Identity, key) });

        const string other = "web2.example.net";
        var outcome = await OpenSilo().IssueAsync(
            Order($"{other}/1") with { Identity = other, SigningRequestPem = SigningRequests.Make(other, key) });

        Assert.Equal(Refusal.KeyReused, Assert.IsType<IssuanceOutcome.Refused>(outcome).Refusal);
        Assert.Equal(1, first.Calls);
    }

    [Fact]
    public async Task IssueAsync_Refuses_AKeyWhoseCertificateWasRevoked()
    {
        var silo = OpenSilo();
        await silo.IssueAsync(Order());
        await silo.CloseAsync("web1.example.net/1");
        await silo.SweepAsync();

        var outcome = await OpenSilo().IssueAsync(Order("web1.example.net/2"));

        Assert.Equal(Refusal.KeyReused, Assert.IsType<IssuanceOutcome.Refused>(outcome).Refusal);
        Assert.Equal(1, first.Calls);
    }

    [Fact]
    public async Task IssueAsync_MakesOneCertificate_WhenManySilosAreAskedAtOnce()
    {
        var silos = Enumerable.Range(0, 8).Select(_ => OpenSilo()).ToList();
        first.BeforeSigning = async (_, _) => await Task.Yield();

        var outcomes = await Task.WhenAll(silos.SelectMany(silo => new[] { silo.IssueAsync(Order()), silo.IssueAsync(Order()) }));

        var issued = outcomes.OfType<IssuanceOutcome.Issued>().Select(outcome => outcome.Certificate.SerialNumber).Distinct();
        Assert.Equal(Assert.Single(first.Living), Assert.Single(issued));
        Assert.All(outcomes, outcome => Assert.True(outcome is IssuanceOutcome.Issued or IssuanceOutcome.Deferred, outcome.ToString()));
    }

    [Theory]
    [InlineData("unavailable")]
    [InlineData("throttled")]
    [InlineData("misconfigured")]
    public async Task IssueAsync_GoesToTheNextIssuer_WhenTheFirstCannot(string fault)
    {
        first.BeforeSigning = (_, _) => throw Fault(fault);

        var issued = Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo().IssueAsync(Order()));

        Assert.Equal("second", issued.Certificate.Issuer);
        Assert.Contains("-----BEGIN CERTIFICATE-----", issued.Certificate.ChainPem, StringComparison.Ordinal);
        Assert.Single(second.Living);
        Assert.Empty(first.Living);
    }

    [Fact]
    public async Task IssueAsync_DefersWithATime_WhenNoIssuerCan()
    {
        first.BeforeSigning = (_, _) => throw new IssuerThrottledException("busy", TimeSpan.FromSeconds(17));
        second.BeforeSigning = (_, _) => throw new IssuerThrottledException("busy", TimeSpan.FromSeconds(40));

        var deferred = Assert.IsType<IssuanceOutcome.Deferred>(await OpenSilo().IssueAsync(Order()));

        Assert.Equal(time.GetUtcNow().AddSeconds(17), deferred.RetryAt);
        first.BeforeSigning = null;
        time.Advance(TimeSpan.FromSeconds(18));
        Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo().IssueAsync(Order()));
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("broken")]
    [InlineData("silent")]
    public async Task IssueAsync_SpendsTheOrder_WhenTheAnswerOfACaWithoutMemoryIsLost(string fault)
    {
        first.AfterSigning = (_, cancel) => Lose(fault, cancel);
        var answer = OpenSilo().IssueAsync(Order());
        await PassAsync(answer, TimeSpan.FromSeconds(20));

        Assert.IsType<IssuanceOutcome.Spent>(await answer);
        Assert.IsType<IssuanceOutcome.Spent>(await OpenSilo().IssueAsync(Order()));
        Assert.Equal((1, 0), (first.Calls, second.Calls));
    }

    [Fact]
    public async Task IssueAsync_FindsTheLostCertificate_WhenTheCaRepeatsItself()
    {
        var repeatable = new ScriptedIssuer("first", repeatable: true);
        repeatable.AfterSigning = (_, _) => throw new IssuerOutcomeUnknownException("the line broke");
        var deferred = Assert.IsType<IssuanceOutcome.Deferred>(await OpenSilo(issuers: repeatable).IssueAsync(Order()));
        repeatable.AfterSigning = null;
        time.SetUtcNow(deferred.RetryAt);

        var issued = Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo(issuers: repeatable).IssueAsync(Order()));

        Assert.Equal(issued.Certificate.SerialNumber, Assert.Single(repeatable.Living));
        Assert.Equal(0, second.Calls);
    }

    [Fact]
    public async Task IssueAsync_WaitsForTheAttempt_WhenASiloDiedInIt()
    {
        var repeatable = new ScriptedIssuer("first", repeatable: true);
        using var dying = new CancellationTokenSource();
        var hangs = new TaskCompletionSource();
        repeatable.AfterSigning = (_, _) => hangs.Task;
        _ = OpenSilo(issuers: repeatable).IssueAsync(Order());

        var deferred = Assert.IsType<IssuanceOutcome.Deferred>(await OpenSilo(issuers: repeatable).IssueAsync(Order()));

        repeatable.AfterSigning = null;
        time.SetUtcNow(deferred.RetryAt);
        Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo(issuers: repeatable).IssueAsync(Order()));
        Assert.Single(repeatable.Living);
    }

    [Fact]
    public async Task IssueAsync_NeverGivesOutAWrongCertificate_AndHasItRevoked()
    {
        first.Falsify = order => order with { DnsNames = ["web2.example.net"] };

        var issued = Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo().IssueAsync(Order()));

        Assert.Equal("second", issued.Certificate.Issuer);
        var orphan = Assert.Single(ledger.Entries, entry => entry.State == LedgerState.RevocationDue);
        Assert.Equal(Assert.Single(first.Living), orphan.Certificate!.SerialNumber);
        await SweepAsync();
        Assert.Empty(first.Living);
    }

    [Fact]
    public async Task CloseAsync_HasTheCertificateRevoked_AndTheOrderSpent()
    {
        var silo = OpenSilo();
        await silo.IssueAsync(Order());

        await silo.CloseAsync(Order().OrderId);
        await silo.CloseAsync(Order().OrderId);
        await SweepAsync();

        Assert.Empty(first.Living);
        Assert.Equal(LedgerState.Closed, Assert.Single(ledger.Entries).State);
        Assert.IsType<IssuanceOutcome.Spent>(await silo.IssueAsync(Order()));
        Assert.Equal(RevocationReason.Superseded, Assert.Single(first.Revoked).Value);
    }

    [Fact]
    public async Task CloseAsync_SpendsAnOrder_ThatWasNeverMade()
    {
        var silo = OpenSilo();

        await silo.CloseAsync(Order().OrderId);

        Assert.IsType<IssuanceOutcome.Spent>(await silo.IssueAsync(Order()));
        Assert.Equal(0, first.Calls);
    }

    [Fact]
    public async Task CloseAsync_RevokesWhatIsStillBeingSigned()
    {
        var silo = OpenSilo();
        var closed = new TaskCompletionSource();
        first.AfterSigning = (_, _) => closed.Task;
        var answer = silo.IssueAsync(Order());
        await silo.CloseAsync(Order().OrderId);
        await SweepAsync();
        closed.SetResult();

        Assert.IsType<IssuanceOutcome.Spent>(await answer);
        time.Advance(TimeSpan.FromMinutes(1));
        await SweepAsync();
        Assert.Empty(first.Living);
    }

    [Fact]
    public async Task CloseAsync_FindsAndRevokes_WhatADeadSiloHadSigned()
    {
        var repeatable = new ScriptedIssuer("first", repeatable: true) { AfterSigning = (_, _) => new TaskCompletionSource().Task };
        _ = OpenSilo(issuers: repeatable).IssueAsync(Order());
        repeatable.AfterSigning = null;
        await OpenSilo(issuers: repeatable).CloseAsync(Order().OrderId);

        time.Advance(TimeSpan.FromMinutes(1));
        await SweepAsync(repeatable);

        Assert.Empty(repeatable.Living);
        Assert.Equal(LedgerState.Closed, Assert.Single(ledger.Entries).State);
    }

    [Fact]
    public async Task Sweep_KeepsTheRevocationDue_WhileTheCaIsAway()
    {
        var silo = OpenSilo();
        await silo.IssueAsync(Order());
        await silo.CloseAsync(Order().OrderId);
        first.BeforeRevoking = _ => throw new IssuerUnavailableException("away");

        await SweepAsync();

        Assert.Equal(LedgerState.RevocationDue, Assert.Single(ledger.Entries).State);
        Assert.Single(first.Living);
        first.BeforeRevoking = null;
        time.Advance(TimeSpan.FromSeconds(30));
        await SweepAsync();
        Assert.Empty(first.Living);
    }

    [Fact]
    public async Task Sweep_RevokesTheOthers_WhenOneRecordIsSpoilt()
    {
        await OpenSilo().IssueAsync(Order());
        await OpenSilo().CloseAsync(Order().OrderId);
        var spoilt = ledger.Entries[0] with { OrderId = "spoilt/1", CreatedAt = DateTimeOffset.UnixEpoch, Version = 0 };
        await ledger.TryWriteAsync(
            spoilt with
            {
                Certificate = spoilt.Certificate! with { CertificatePem = "no certificate" }, RevocationDueAt = DateTimeOffset.UnixEpoch,
            },
            Cancel);

        await SweepAsync();

        Assert.Empty(first.Living);
        var left = Assert.Single(ledger.Entries, entry => entry.State == LedgerState.RevocationDue);
        Assert.Equal(("spoilt/1", time.GetUtcNow().AddHours(1)), (left.OrderId, left.RevocationDueAt));
    }

    [Fact]
    public async Task IssueAsync_Defers_WhenTheLedgerIsAway()
    {
        ledger.BeforeWrite = _ => throw new LedgerUnavailableException("away");
        Assert.IsType<IssuanceOutcome.Deferred>(await OpenSilo().IssueAsync(Order()));
        Assert.Equal(0, first.Calls);

        ledger.BeforeWrite = null;
        Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo().IssueAsync(Order()));
    }

    [Fact]
    public async Task IssueAsync_NeverLeavesTwoValidCertificates_WhereverTheLedgerFails()
    {
        // Every write of the first attempt fails once, before or after it was stored; then the order is asked until it is settled.
        foreach (var (failing, stored) in new[] { (1, false), (1, true), (2, false), (2, true) })
        {
            var orderId = $"{Identity}/{failing}{stored}";
            var writes = 0;
            void FailOn(LedgerEntry entry)
            {
                if (++writes == failing)
                {
                    throw new LedgerUnavailableException("away");
                }
            }

            ledger.BeforeWrite = stored ? null : FailOn;
            ledger.AfterWrite = stored ? FailOn : null;
            var issuer = new ScriptedIssuer("first", repeatable: true);
            Assert.IsType<IssuanceOutcome.Deferred>(await OpenSilo(issuers: issuer).IssueAsync(Order(orderId)));
            ledger.BeforeWrite = ledger.AfterWrite = null;

            time.Advance(TimeSpan.FromMinutes(1));
            var issued = Assert.IsType<IssuanceOutcome.Issued>(await OpenSilo(issuers: issuer).IssueAsync(Order(orderId)));
            Assert.Equal(issued.Certificate.SerialNumber, Assert.Single(issuer.Living));
        }
    }

    private static CertificateOrderRequest Order(string orderId, string pem, DateTimeOffset now) =>
        new(orderId, Identity, "east", "node", pem, IssuancePriority.NewNode, now.AddSeconds(90));

    private CertificateOrderRequest Order(string orderId = $"{Identity}/1") => Order(orderId, request, time.GetUtcNow());

    private IssuanceSilo OpenSilo(Action<CertificatesOptions>? configure = null, params ScriptedIssuer[] issuers) =>
        new(ledger, keys, time, configure, issuers.Length > 0 ? [.. issuers, second] : [first, second]);

    private Task SweepAsync(params ScriptedIssuer[] issuers) => OpenSilo(issuers: issuers).SweepAsync();

    private static Exception Fault(string fault) => fault switch
    {
        "unavailable" => new IssuerUnavailableException("away"),
        "throttled" => new IssuerThrottledException("slow down", TimeSpan.FromSeconds(9)),
        _ => new IssuerMisconfiguredException("wrong role"),
    };

    private static Task Lose(string fault, CancellationToken cancellationToken) => fault switch
    {
        "lost" => throw new IssuerOutcomeUnknownException("the line broke"),
        "broken" => throw new InvalidOperationException("an adapter's bug"),
        _ => Task.Delay(Timeout.Infinite, cancellationToken),
    };

    /// <summary>Lets the time pass until the answer is there.</summary>
    private async Task PassAsync(Task answer, TimeSpan most)
    {
        for (var passed = TimeSpan.Zero; passed < most && !answer.IsCompleted; passed += TimeSpan.FromSeconds(1))
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(answer, Task.Delay(20, Cancel));
        }
    }
}
