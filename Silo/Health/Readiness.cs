using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ControlPlane.Health;

/// <summary>Whether the process lives, and whether it is ready to serve: <c>/livez</c> and <c>/readyz</c>.</summary>
internal static class Readiness
{
    /// <summary>A check that takes longer has failed: probes give up after a few seconds too.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static WebApplicationBuilder AddReadiness(this WebApplicationBuilder builder)
    {
        HealthListener.AddTo(builder.Services);

        // Checks that remember what they tried.
        builder.Services.AddSingleton<RedisCheck>();
        builder.Services.AddSingleton<StreamsCheck>();
        builder.Services.AddHealthChecks()
            .AddCheck<OrleansCheck>("orleans", timeout: Patience)
            .AddCheck<RedisCheck>("redis", timeout: Patience)
            .AddCheck<NatsCheck>("nats", timeout: Patience)
            .AddCheck<StreamsCheck>("streams", timeout: Patience)
            .AddCheck<CredentialsCheck>("credentials", timeout: Patience)
            .AddCheck<EnrolmentCheck>("enrolment", timeout: Patience)
            .AddCheck<IssuersCheck>("issuers", timeout: Patience)
            .AddCheck<ReplicationCheck>("replication", timeout: Patience)
            .AddCheck<AccessCheck>("access", timeout: Patience)
            .AddCheck<AccessPolicyCheck>("access-policy", timeout: Patience)
            .AddCheck<AuditCheck>("audit", timeout: Patience);
        return builder;
    }

    /// <summary>What the listener of health and metrics answers; it never reaches what comes after.</summary>
    public static IApplicationBuilder UseHealth(this IApplicationBuilder app) => app.MapWhen(HealthListener.Took, health => health
        .UseHealthChecks("/livez", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = Write })
        .UseHealthChecks("/readyz", new HealthCheckOptions { ResponseWriter = Write })
        .UseOpenTelemetryPrometheusScrapingEndpoint("/metrics")
        .Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }));

    private static Task Write(HttpContext context, HealthReport report) => context.Response.WriteAsJsonAsync(new
    {
        Ready = report.Status != HealthStatus.Unhealthy,
        Checks = report.Entries.Select(check => new
        {
            Name = check.Key,
            Ready = check.Value.Status != HealthStatus.Unhealthy,
            Reason = check.Value.Description ?? check.Value.Exception?.Message,
        }),
    });
}
