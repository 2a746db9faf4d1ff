using ControlPlane.Access;

namespace ControlPlane.Grains.Tests.Access;

public sealed class AccessGuardTests
{
    private static readonly Caller Ann = new() { Principal = "ann", Method = CallerMethod.AccessToken };

    private readonly List<string> happened = [];
    private readonly Parts parts;
    private readonly AccessGuard guard;

    public AccessGuardTests()
    {
        parts = new Parts(happened);
        guard = new AccessGuard(parts, parts);
    }

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
        parts.Decision = parts.Decision with { WouldBeDenied = true };

        await InvokeAsync(Permissions.NodesRead);

        Assert.Equal(["recorded for ann", "called", "ended with 202"], happened);
    }

    [Theory]
    [InlineData(Permissions.NodesReprovision)]
    [InlineData(Permissions.NodesRead)]
    public async Task InvokeAsync_RecordsAndRefuses_WhatIsDenied(string permission)
    {
        parts.Decision = parts.Decision with { IsAllowed = false };

        var denied = await Assert.ThrowsAsync<AccessDeniedException>(() => InvokeAsync(permission));

        Assert.Equal($"ann may not {permission}: rule", denied.Message);
        Assert.Equal(["denied to ann"], happened);
    }

    [Fact]
    public async Task InvokeAsync_CallsNothing_WhenItCannotBeRecorded()
    {
        parts.IsAuditAway = true;

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

    private Task InvokeAsync(string permission) => guard.InvokeAsync(
        Ann,
        new AccessRequest(permission),
        () =>
        {
            happened.Add("called");
            return Task.FromResult("202");
        },
        TestContext.Current.CancellationToken);

    private sealed class Parts(List<string> happened) : IAccessPolicy, IAuditTrail
    {
        public AccessDecision Decision { get; set; } = new(IsAllowed: true, "rule", "1");

        public bool IsAuditAway { get; set; }

        public ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
            new(Decision);

        public Task<AuditedCall> BeginAsync(
            Caller caller, AccessRequest request, AccessDecision decision, CancellationToken cancellationToken)
        {
            if (IsAuditAway)
            {
                throw new AuditUnavailableException("the log is away");
            }

            happened.Add($"{(decision.IsAllowed ? "recorded for" : "denied to")} {caller.Principal}");
            return Task.FromResult(new AuditedCall("1", caller, request, decision));
        }

        public Task EndAsync(AuditedCall call, string outcome)
        {
            happened.Add($"ended with {outcome}");
            return Task.CompletedTask;
        }

        public Task RecordFailedSignInAsync(CallerMethod method, string? principal, string? address, string why) => Task.CompletedTask;
    }
}
