using System.Security.Cryptography;
using ControlPlane.Access;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>The key of a site is replaced at one silo after the other, and no call between them is denied.</summary>
public sealed class SiteKeyRollTests
{
    private static readonly byte[] Before = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] After = RandomNumberGenerator.GetBytes(32);

    // What an operator configures at one silo after the other, the key that seals first.
    private static readonly IReadOnlyList<byte[]>[] Steps = [[Before], [Before, After], [After, Before], [After]];

    /// <summary>One silo has made the step, the other has not yet.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task SilosOfDifferingSeeds_TakeEachOthersCalls(int step)
    {
        var builder = new InProcessTestClusterBuilder(2);
        var silos = 0;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(new CallerSeal(Steps[step - (Interlocked.Increment(ref silos) % 2)], TimeProvider.System));
            silo.Services.AddSingleton<ITokenAuthenticator, NobodysTokens>();
            silo.Services.AddSingleton<IAccessPolicy, NothingIsAllowed>();
            silo.Services.AddSingleton<IAuditTrail, NoAuditTrail>();
            silo.Services.AddSingleton<ICallLimits, NoLimits>();
            silo.Services.AddSingleton<AccessGuard>();
            silo.AddGrainAccess();
        });
        builder.ConfigureClient(client => client.AddOutgoingGrainCallFilter(context =>
        {
            RequestContext.Set("controlplane.caller", new CallerSeal(Steps[step], TimeProvider.System).Seal(Caller.System));
            return context.Invoke();
        }));
        await using var cluster = builder.Build();
        await cluster.DeployAsync(TestContext.Current.CancellationToken);

        foreach (var silo in cluster.Silos)
        {
            var grains = silo.ServiceProvider.GetRequiredService<IGrainFactory>();
            var number = 0;
            var places = new HashSet<string>(StringComparer.Ordinal);
            await Readiness.UntilAsync(
                async _ =>
                {
                    var grain = grains.GetGrain<IAskedInside>($"{silo.Name} {number++}");
                    Assert.Equal("system", await grain.WhoAsks());
                    return places.Add(await grain.WhereItRuns()) && places.Count == 2;
                },
                $"{silo.Name} called grains in both silos",
                TestContext.Current.CancellationToken);
        }
    }

    private sealed class NobodysTokens : ITokenAuthenticator
    {
        public ValueTask<Caller?> AuthenticateAsync(string token, CancellationToken cancellationToken) => new((Caller?)null);
    }

    private sealed class NothingIsAllowed : IAccessPolicy
    {
        public ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken) =>
            new(new AccessDecision(IsAllowed: false, "test", "1"));
    }

    private sealed class NoLimits : ICallLimits
    {
        public CallRefusal? LockOf(SignInAttempt attempt) => null;

        public void Failed(SignInAttempt attempt)
        {
        }

        public CallRefusal? Take(Caller caller) => null;
    }
}
