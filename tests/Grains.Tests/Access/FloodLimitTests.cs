using ControlPlane.Access;
using ControlPlane.TestKit.Access;
using ControlPlane.TestKit.Store;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Grains.Tests.Access;

/// <summary>An attacker cannot fill the log, and what was left out is told.</summary>
public sealed class FloodLimitTests
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FailedSignIns_AreBoundedForEachAddress_AndTheRestIsCounted()
    {
        var log = new MemoryLog();
        using var silo = new AuditSilo(log, time: time, perAddress: 10, altogether: 100);
        for (var number = 0; number < 5_000; number++)
        {
            await silo.Trail.RecordFailedSignInAsync(CallerMethod.AccessToken, "root", "198.51.100.1", "nobody holds the token");
        }

        await silo.Trail.RecordFailedSignInAsync(CallerMethod.Oidc, null, "198.51.100.2", "expired");
        silo.RecordOmitted();
        time.Advance(TimeSpan.FromMinutes(1));
        silo.RecordOmitted();
        await silo.SettleAsync();

        var records = await log.RecordsAsync(Cancel);
        Assert.Equal(11, records.Count(record => record.Kind == AuditKind.SignInFailed));
        var omitted = Assert.Single(records, record => record.Kind == AuditKind.Omitted).Omitted!;
        Assert.Equal(("198.51.100.1", 4_990L, time.GetUtcNow().AddMinutes(-1)), (omitted.Address, omitted.Count, omitted.Since));
    }

    [Fact]
    public async Task DeniedCalls_AreBounded_AndStillDenied()
    {
        var log = new MemoryLog();
        using var silo = new AuditSilo(log, time: time, perAddress: 10);

        for (var number = 0; number < 50; number++)
        {
            await silo.BeginAsync("web1", AuditSilo.Denied);
        }

        Assert.Equal(10, (await log.RecordsAsync(Cancel)).Count(record => record.Kind == AuditKind.Denied));
    }

    [Fact]
    public void Admits_IsBounded_WhateverAddressesAnAttackerHas()
    {
        var limit = new FloodLimit(perAddress: 10, altogether: 100, time);
        var admitted = 0;
        for (var number = 0; number < 20_000; number++)
        {
            admitted += limit.Admits($"10.{number / 65_536}.{number / 256 % 256}.{number % 256}") ? 1 : 0;
        }

        time.Advance(TimeSpan.FromMinutes(1));
        var omitted = limit.TakeOmitted();

        Assert.Equal(100, admitted);
        Assert.Equal(21, omitted.Count);
        Assert.Equal(20_000 - 100, omitted.Sum(one => one.Count));
        Assert.True(limit.Admits("10.0.0.1"));
    }

    [Fact]
    public void Admits_TakesANetworkForOneAddress_OfIpv6()
    {
        var limit = new FloodLimit(perAddress: 2, altogether: 100, time);

        Assert.True(limit.Admits("2001:db8::1"));
        Assert.True(limit.Admits("2001:db8::2"));
        Assert.False(limit.Admits("2001:db8::3"));
        Assert.True(limit.Admits("2001:db8:0:1::1"));
    }
}
