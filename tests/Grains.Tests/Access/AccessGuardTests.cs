using ControlPlane.Access;

namespace ControlPlane.Grains.Tests.Access;

public sealed class AccessGuardTests : IAccessPolicy, IAuditTrail
{
    private static readonly Caller Ann = new() { Principal = "ann", Method = CallerMethod.AccessToken };

    private readonly List<string> happened = [];
    private readonly AccessGuard guard;
    private AccessDecision decision = new(IsAllowed: true, "rule", "1");
    private bool isAuditAway;

    public AccessGuardTests() => guard = new AccessGuard(this, this);

    [Fact]
    public async Task InvokeAsync_RecordsBeforeAndAfter_WhatItCalls()
    {
        await InvokeAsync(Permissions.NodesReprovision);

        Assert.Equal(["recorded for ann", "called", "ended with 202"], happened);
    }

    [Fact]
    public async Task InvokeAsync_RecordsNothing_OfReading()
    {
        await InvokeAsync(Permissions.NodesRead);

        Assert.Equal(["called"], happened);
    }

    [Fact]
    public async Task InvokeAsync_RecordsReading_ThatOnlyATriedPolicyLetsThrough()
    {
        decision = decision with { WouldBeDenied = true };

        await InvokeAsync(Permissions.NodesRead);

        Assert.Equal(["recorded for ann", "called", "ended with 202"], happened);
    }

    [Theory]
    [InlineData(Permissions.NodesReprovision)]
    [InlineData(Permissions.NodesRead)]
    public async Task InvokeAsync_RecordsAndRefuses_WhatIsDenied(string permission)
    {
        decision = decision with { IsAllowed = false };

        var denied = await Assert.ThrowsAsync<AccessDeniedException>(() => InvokeAsync(permission));

        Assert.Equal($"ann may not {permission}: rule", denied.Message);
        Assert.Equal(["denied to ann"], happened);
    }

    [Fact]
    public async Task InvokeAsync_CallsNothing_WhenItCannotBeRecorded()
    {
        isAuditAway = true;

        await Assert.ThrowsAsync<AuditUnavailableException>(() => InvokeAsync(Permissions.NodesReprovision));

        Assert.Empty(happened);
    }

    [Fact]
    public async Task InvokeAsync_RecordsHowACallFailed()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => guard.InvokeAsync(
            Ann, new AccessRequest(Permissions.NodesDecommission), () => throw new TimeoutException(), CancellationToken.None));

        Assert.Equal(["recorded for ann", "ended with TimeoutException"], happened);
    }

    public ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) => new(decision);

    public Task<AuditedCall> BeginAsync(
        Caller caller, AccessRequest request, AccessDecision judged, CancellationToken cancellationToken)
    {
        if (isAuditAway)
        {
            throw new AuditUnavailableException("the log is away");
        }

        happened.Add($"{(judged.IsAllowed ? "recorded for" : "denied to")} {caller.Principal}");
        return Task.FromResult(new AuditedCall("1", caller, request, judged));
    }

    public Task EndAsync(AuditedCall call, string outcome)
    {
        happened.Add($"ended with {outcome}");
        return Task.CompletedTask;
    }

    public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) => Task.CompletedTask;

    private Task InvokeAsync(string permission) => guard.InvokeAsync(
        Ann,
        new AccessRequest(permission),
        () =>
        {
            happened.Add("called");
            return Task.FromResult("202");
        },
        TestContext.Current.CancellationToken);
}
