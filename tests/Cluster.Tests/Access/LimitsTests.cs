using System.Net;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>Who asks too much, or guesses.</summary>
public sealed class LimitsTests : IDisposable
{
    private const string Token = "0123456789abcdefghijklmnop";

    private readonly string _file = Path.GetTempFileName();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    public LimitsTests() => File.WriteAllText(_file, $"alice {Token}\nbob zz{Token}\n");

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task AnAddress_IsLocked_AfterFailedSignIns_AndLetInAgainLater()
    {
        await using var api = await StartAsync(("Access:Limits:AddressFailuresMax", "5"));
        for (var tries = 0; tries < 5; tries++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await api.StatusAsync($"guess-{tries}-0123456789abcdef"));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, await api.StatusAsync(Token));
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/openapi/v1.json")).StatusCode);

        _time.Advance(TimeSpan.FromMinutes(5.1));
        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync(Token));
        Assert.Contains("controlplane_access_limited", await api.GetTextAsync(new Uri(api.HealthUrl, "/metrics").ToString()));
    }

    [Fact]
    public async Task RequestsWithoutCredentials_LockNobody()
    {
        await using var api = await StartAsync(("Access:Limits:AddressFailuresMax", "2"));
        for (var tries = 0; tries < 5; tries++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await api.GetAsync("/v1/nodes")).StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync(Token));
    }

    [Fact]
    public async Task APrincipal_ThatAsksTooMuch_IsToldWhenToComeAgain_AndAnotherIsServed()
    {
        await using var api = await StartAsync(("Access:Limits:PrincipalRate", "1"), ("Access:Limits:BurstSeconds", "1"));

        // All at once: however slow the machine, a token a second does not serve them.
        var statuses = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => api.StatusAsync(Token)));

        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
        Assert.Equal(HttpStatusCode.OK, await api.StatusAsync($"zz{Token}"));
    }

    [Fact]
    public async Task AnAddress_ThatAsksTooMuch_IsRefused()
    {
        await using var api = await StartAsync(("Access:Limits:AddressRate", "1"), ("Access:Limits:BurstSeconds", "1"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => api.GetAsync("/openapi/v1.json")));

        var refused = answers.First(answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
        await refused.AssertProblemAsync(HttpStatusCode.TooManyRequests, "too-many-requests");
        Assert.True(refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
    }

    /// <summary>Who asks for a signature shows a credential in the body, also where the API asks for none.</summary>
    [Fact]
    public async Task AnAddress_ThatAsksTooMuchOfTheSigner_IsRefused_WhereTheApiAsksForNoCredential()
    {
        await using var api = await ApiHost.StartAsync(("Access:Limits:AddressRate", "1"), ("Access:Limits:BurstSeconds", "1"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => api.GetAsync("/choria/v1/login/options")));

        Assert.Contains(answers, answer => answer.StatusCode == HttpStatusCode.TooManyRequests);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v1/nodes")).StatusCode);
    }

    [Fact]
    public async Task ALock_IsRecorded_AndHoldsForAllWaysIn()
    {
        await using var api = await StartAsync(("Access:Limits:AddressFailuresMax", "2"), ("Access:Limits:PrincipalFailuresMax", "2"));
        var limits = api.Services.GetRequiredService<ICallLimits>();
        for (var tries = 0; tries < 2; tries++)
        {
            limits.Failed(new SignInAttempt("127.0.0.1") { UserName = "alice" });
            limits.Failed(new SignInAttempt("sys.client/1") { Holder = "bob" });
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, await api.StatusAsync(Token));
        Assert.Contains(
            api.Logs.Of(AuditTrail.Category), line => line.Contains("too many sign-ins from this address", StringComparison.Ordinal));
        Assert.NotNull(limits.LockOf(new SignInAttempt("192.0.2.1") { UserName = "alice" }));
        Assert.Null(limits.LockOf(new SignInAttempt("192.0.2.1") { UserName = "bob" }));
        Assert.NotNull(limits.LockOf(new SignInAttempt("sys.client/1")));
        Assert.True(limits.Take(Person("bob")) is { IsLock: true });
        Assert.Null(limits.Take(Person("alice")));

        static Caller Person(string name) => new() { Principal = name, Method = CallerMethod.AccessToken };
    }

    [Fact]
    public void Failures_ThatLieFarApart_LockNobody()
    {
        var failed = Counting(new LimitsOptions { AddressFailuresMax = 2 });
        for (var tries = 0; tries < 5; tries++)
        {
            failed.Add(FailedBy.Address, "192.0.2.1");
            _time.Advance(TimeSpan.FromMinutes(2));
            Assert.Null(failed.LockOf(FailedBy.Address, "192.0.2.1"));
        }
    }

    [Fact]
    public void WhatIsCounted_IsBounded_AndAFloodDoesNotFreeTheLocked()
    {
        var failed = Counting(new LimitsOptions { AddressFailuresMax = 1, FailureWindow = TimeSpan.FromSeconds(1) });
        failed.Add(FailedBy.Address, "192.0.2.1");

        for (var number = 0; number < FailedSignIns.CountedMax + 10; number++)
        {
            failed.Add(FailedBy.Address, $"{number}");
        }

        Assert.NotNull(failed.LockOf(FailedBy.Address, "192.0.2.1"));
        Assert.Null(failed.LockOf(FailedBy.Address, $"{FailedSignIns.CountedMax + 9}"));
    }

    [Fact]
    public void None_IsForNever()
    {
        var failed = Counting(new LimitsOptions { PrincipalFailuresMax = 0 });

        for (var tries = 0; tries < 1000; tries++)
        {
            failed.Add(FailedBy.Principal, "alice");
        }

        Assert.Null(failed.LockOf(FailedBy.Principal, "alice"));
    }

    private FailedSignIns Counting(LimitsOptions options) => new(Options.Create(options), _time, NullLogger<FailedSignIns>.Instance);

    private Task<ApiHost> StartAsync(params (string, string)[] settings) => ApiHost.StartAsync(
        services => services.AddSingleton<TimeProvider>(_time), [.. settings, ("Access:Tokens:Files:0", _file)]);
}
