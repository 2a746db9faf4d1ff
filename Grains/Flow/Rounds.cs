using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace ControlPlane.Flow;

/// <summary>Work that is done again and again for as long as the silo runs, by <see cref="Loops"/>.</summary>
/// <param name="Name">Its name in logs and metrics: one of a closed set.</param>
/// <param name="Period">Between the end of one round and the next.</param>
/// <param name="Work">One round. What it throws is counted and logged, and the next round is made all the same.</param>
/// <param name="IsDueAtOnce">Whether the first round is made at start, and not after one period.</param>
public sealed record Round(string Name, TimeSpan Period, Func<CancellationToken, Task> Work, bool IsDueAtOnce = false);

/// <summary>Registers what is done again and again.</summary>
public static class RoundsHosting
{
    /// <summary>Has a method of a registered service called at a period.</summary>
    public static void AddRounds<TService>(
        this IServiceCollection services,
        string name,
        TimeSpan period,
        Func<TService, CancellationToken, Task> work,
        bool isDueAtOnce = false)
        where TService : notnull =>
        services.AddRounds<TService>(service => [new Round(name, period, token => work(service, token), isDueAtOnce)]);

    /// <summary>Has a method of a registered service called at a period.</summary>
    public static void AddRounds<TService>(
        this IServiceCollection services, string name, TimeSpan period, Action<TService> work, bool isDueAtOnce = false)
        where TService : notnull =>
        services.AddRounds<TService>(
            name,
            period,
            (service, _) =>
            {
                work(service);
                return Task.CompletedTask;
            },
            isDueAtOnce);

    /// <summary>Makes the rounds that a registered service has, which may depend on how it is configured.</summary>
    public static void AddRounds<TService>(this IServiceCollection services, Func<TService, IEnumerable<Round>> rounds)
        where TService : notnull
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Loops>();
        services.AddSingleton<IHostedService>(provider => new Rounds(
            provider.GetRequiredService<Loops>(), () => rounds(provider.GetRequiredService<TService>())));
    }

    private sealed class Rounds(Loops loops, Func<IEnumerable<Round>> rounds) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(rounds().Select(
            round => loops.RunAsync(round.Name, round.Period, round.IsDueAtOnce, round.Work, stoppingToken)));
    }
}
