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
        builder.Services.AddHealthChecks()
            .AddCheck<OrleansCheck>("orleans", timeout: Patience)
            .AddCheck<RedisCheck>("redis", timeout: Patience)
            .AddCheck<NatsCheck>("nats", timeout: Patience)
            .AddCheck<StreamsCheck>("streams", timeout: Patience)
            .AddCheck<CredentialsCheck>("credentials", timeout: Patience)
            .AddCheck<EnrolmentCheck>("enrolment", timeout: Patience)
            .AddCheck<IssuersCheck>("issuers", timeout: Patience);
        return builder;
    }

    public static WebApplication MapReadiness(this WebApplication app)
    {
        app.MapHealthChecks("/livez", new HealthCheckOptions { Predicate = _ => false, ResponseWriter = Write }).AllowAnonymous();
        app.MapHealthChecks("/readyz", new HealthCheckOptions { ResponseWriter = Write }).AllowAnonymous();
        return app;
    }

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
