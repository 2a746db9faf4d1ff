using ControlPlane.Adapters.Nats;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Orleans.Hosting;

/// <summary>Adds the health of stream providers over NATS JetStream.</summary>
public static class JetStreamHealthChecksBuilderExtensions
{
    /// <summary>Adds a check that fails while a queue that this silo has is not read, and says why.</summary>
    /// <param name="checks">The health checks.</param>
    /// <param name="provider">The provider's name.</param>
    /// <param name="name">The check's name; the provider's without.</param>
    public static IHealthChecksBuilder AddJetStreamStreams(this IHealthChecksBuilder checks, string provider, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(checks);
        return checks.Add(new HealthCheckRegistration(
            name ?? provider,
            services => new JetStreamStreamsHealthCheck(services.GetRequiredKeyedService<JetStreamStreamsHealth>(provider)),
            failureStatus: null,
            tags: null));
    }
}
