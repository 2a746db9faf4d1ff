using ControlPlane.Provisioning;

namespace ControlPlane.Grains.Tests.Provisioning;

public sealed class EnrolmentGateTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    private readonly EnrolmentGate gate = new(Microsoft.Extensions.Options.Options.Create(new ProvisioningOptions { EnrolmentsMax = 1 }));

    [Fact]
    public async Task EnterAsync_LetsTheLongestWaitingInFirst()
    {
        var first = await gate.EnterAsync(Start, Token);
        var young = gate.EnterAsync(Start.AddMinutes(2), Token);
        var old = gate.EnterAsync(Start.AddMinutes(1), Token);
        Assert.Equal((1, 2), gate.Enrolments);

        first.Dispose();
        var second = await old;
        Assert.False(young.IsCompleted);

        second.Dispose();
        (await young).Dispose();
        Assert.Equal((0, 0), gate.Enrolments);
    }

    [Fact]
    public async Task EnterAsync_LosesNoPlace_WhenOneWhoWaitsGivesUp()
    {
        var first = await gate.EnterAsync(Start, Token);
        using var impatience = new CancellationTokenSource();
        var leaving = gate.EnterAsync(Start, impatience.Token);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);

        first.Dispose();
        (await gate.EnterAsync(Start, Token)).Dispose();
    }

    [Fact]
    public async Task Dispose_FreesAPlaceOnce_ThoughCalledTwice()
    {
        var first = await gate.EnterAsync(Start, Token);
        first.Dispose();
        first.Dispose();

        using var second = await gate.EnterAsync(Start, Token);
        Assert.False(gate.EnterAsync(Start, Token).IsCompleted);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
