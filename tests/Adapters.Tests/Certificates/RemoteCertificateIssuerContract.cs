using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>How a CA behind a wire can fail, as the issuer's tests make it fail.</summary>
public enum CaFault
{
    /// <summary>It refuses the order for good.</summary>
    Refuses,

    /// <summary>It does not know us: wrong credentials, role or profile.</summary>
    DeniesAccess,

    /// <summary>It asks to slow down.</summary>
    Throttles,

    /// <summary>Nothing listens: the order cannot have arrived.</summary>
    IsAway,

    /// <summary>It takes the order and says nothing until the issuer's own time limit.</summary>
    IsSilent,

    /// <summary>It signs and the connection breaks before the answer.</summary>
    LosesTheAnswer,

    /// <summary>It answers success with something that is no certificate.</summary>
    AnswersGarbage,

    /// <summary>It answers a certificate for another key.</summary>
    SignsAnotherKey,

    /// <summary>It answers a certificate without the identity among its names.</summary>
    OmitsTheName,

    /// <summary>It answers a CA certificate.</summary>
    SignsAnAuthority,

    /// <summary>It answers a certificate that has expired.</summary>
    SignsThePast,
}

/// <summary>What issuers promise besides when their CA is another process, that can be wrong, slow or gone.</summary>
public abstract class RemoteCertificateIssuerContract : CertificateIssuerContract
{
    /// <summary>The faults that this kind of CA can have. Those left out cannot happen, and a comment there says why.</summary>
    protected virtual IReadOnlySet<CaFault> PossibleFaults { get; } = Enum.GetValues<CaFault>().ToHashSet();

    /// <summary>Starts an issuer whose CA has a fault; its own time limit is 2 seconds at most.</summary>
    protected abstract Task<ICertificateIssuer> StartFaultyAsync(CaFault fault);

    [Theory]
    [InlineData(CaFault.Refuses, typeof(IssuerRefusedException))]
    [InlineData(CaFault.DeniesAccess, typeof(IssuerMisconfiguredException))]
    [InlineData(CaFault.Throttles, typeof(IssuerThrottledException))]
    [InlineData(CaFault.IsAway, typeof(IssuerUnavailableException))]
    [InlineData(CaFault.IsSilent, typeof(IssuerOutcomeUnknownException))]
    [InlineData(CaFault.LosesTheAnswer, typeof(IssuerOutcomeUnknownException))]
    [InlineData(CaFault.AnswersGarbage, typeof(IssuerOutcomeUnknownException))]
    public async Task IssueAsync_SaysWhatTheCallerMustDo_WhenTheCaFails(CaFault fault, Type expected)
    {
        if (!PossibleFaults.Contains(fault))
        {
            return;
        }

        var issuer = await StartFaultyAsync(fault);

        var thrown = await Record.ExceptionAsync(() => issuer.IssueAsync(Order(SigningRequests.Choria(Identity)), Cancel));

        Assert.IsType(expected, thrown);
        Assert.True(thrown is not IssuerThrottledException throttled || throttled.RetryAfter > TimeSpan.Zero);
    }

    [Theory]
    [InlineData(CaFault.SignsAnotherKey)]
    [InlineData(CaFault.OmitsTheName)]
    [InlineData(CaFault.SignsAnAuthority)]
    [InlineData(CaFault.SignsThePast)]
    public async Task IssueAsync_IsCaughtByTheCheck_WhenTheCaAnswersSomethingElse(CaFault fault)
    {
        if (!PossibleFaults.Contains(fault))
        {
            return;
        }

        var issuer = await StartFaultyAsync(fault);
        var order = Order(SigningRequests.Choria(Identity));

        var signed = await issuer.IssueAsync(order, Cancel);

        Assert.NotEmpty(await FaultsAsync(issuer, order, signed));
    }

    [Fact]
    public async Task IssueAsync_Ends_WhenTheCallerCancelsWhileTheCaIsSilent()
    {
        var issuer = await StartFaultyAsync(CaFault.IsSilent);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        impatient.CancelAfter(TimeSpan.FromMilliseconds(300));

        // Cancelled or unknown: both tell the caller that the CA may have signed.
        var thrown = await Record.ExceptionAsync(() => issuer.IssueAsync(Order(SigningRequests.Choria(Identity)), impatient.Token));

        Assert.True(thrown is OperationCanceledException or IssuerOutcomeUnknownException, thrown?.ToString());
    }

    [Fact]
    public async Task CheckAsync_IsUnhealthyAndSaysWhy_WhenTheCaIsAway()
    {
        var issuer = await StartFaultyAsync(CaFault.IsAway);

        var health = await issuer.CheckAsync(Cancel);

        Assert.False(health.Healthy);
        Assert.NotEmpty(health.Detail);
    }
}
