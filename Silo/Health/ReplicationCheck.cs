using ControlPlane.Replication;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Degraded while a link does not copy, or its source is about to drop what is not copied: the silo serves all the same.</summary>
internal sealed class ReplicationCheck(IGrainFactory grains, IStreamReplication replication, TimeProvider time) : IHealthCheck
{
    /// <summary>A broker that restarts is back before this.</summary>
    private static readonly TimeSpan FailingMax = TimeSpan.FromMinutes(1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (replication.Links.Count == 0)
        {
            return HealthCheckResult.Healthy("no links");
        }

        IReadOnlyList<ReplicationSnapshot> links;
        try
        {
            links = await grains.GetReplicationList().List().WaitAsync(Readiness.Patience, cancellationToken);
        }
        catch (Exception away) when (away is TimeoutException or Orleans.Runtime.OrleansException)
        {
            return HealthCheckResult.Degraded($"nobody can say how the links stand: {away.Message}");
        }

        var warnings = links.Select(WarningOf).OfType<string>().ToList();
        var paused = links.Count(link => link.State == ReplicationState.Paused);
        return warnings.Count > 0
            ? HealthCheckResult.Degraded(string.Join("; ", warnings))
            : HealthCheckResult.Healthy($"{links.Count} links, {paused} paused by operators");
    }

    private string? WarningOf(ReplicationSnapshot link)
    {
        var now = time.GetUtcNow();
        var settings = replication.Links.First(one => one.Name == link.Name);
        return link.State == ReplicationState.Failing && now - link.Since > FailingMax
                ? $"{link.Name} has not copied since {link.Since:u}: {link.Reason}"
            : link.Progress is not { } progress ? null
            : progress.RetentionLeft < settings.RetentionLeftMin
                ? $"the source of {link.Name} is about to drop what is not copied: {progress.RetentionLeft:P0} of its room or time is left"
            : now - progress.OldestPendingAt > settings.LagMax
                ? $"{link.Name} is behind: its oldest message is of {progress.OldestPendingAt:u}"
            : null;
    }
}
