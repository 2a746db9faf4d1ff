using System.Net;
using System.Threading.RateLimiting;
using ControlPlane.Api;
using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Refuses who asks too much, or failed to sign in too often; counts all others by how they are known.</summary>
internal sealed class CallLimits : IDisposable
{
    /// <summary>Under which a scheme leaves the principal whom a credential names that failed all the same.</summary>
    public static readonly object ProvenPrincipal = new();

    private readonly FailedSignIns _failed;
    private readonly AuthenticationMeter _meter;
    private readonly PartitionedRateLimiter<string> _addresses;
    private readonly PartitionedRateLimiter<string> _principals;

    public CallLimits(IOptions<LimitsOptions> options, FailedSignIns failed, AuthenticationMeter meter)
    {
        (_failed, _meter) = (failed, meter);
        _addresses = Limiter(options.Value.AddressRate, options.Value.BurstSeconds);
        _principals = Limiter(options.Value.PrincipalRate, options.Value.BurstSeconds);
    }

    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<LimitsOptions>, LimitsOptionsRanges>();
        services.AddOptions<LimitsOptions>().BindConfiguration(LimitsOptions.Section).ValidateOnStart();
        services.AddSingleton<FailedSignIns>();
        services.AddSingleton<CallLimits>();
    }

    /// <summary>Authenticates between the limits of addresses, which come before any cryptography, and those of principals.</summary>
    public static void Use(WebApplication app)
    {
        var limits = app.Services.GetRequiredService<CallLimits>();
        var isOn = app.Services.GetRequiredService<AccessDemand>().IsOn;
        app.Use((context, next) => isOn ? limits.JudgeAddressAsync(context, next) : next(context));
        app.UseAuthentication();
        app.Use((context, next) => limits.JudgeCallerAsync(context, next));
    }

    public void Dispose()
    {
        _addresses.Dispose();
        _principals.Dispose();
    }

    private static PartitionedRateLimiter<string> Limiter(int rate, int burstSeconds) =>
        PartitionedRateLimiter.Create<string, string>(key => RateLimitPartition.GetTokenBucketLimiter(
            key,
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = rate * burstSeconds,
                TokensPerPeriod = rate,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            }));

    private static IPAddress AddressOf(HttpContext context) =>
        CallerNetwork.Of(context.Connection.RemoteIpAddress ?? IPAddress.None);

    private Task JudgeAddressAsync(HttpContext context, RequestDelegate next)
    {
        var address = AddressOf(context);
        return PresentedCredential.Of(context).Method is not null && _failed.LockOf(address) is { } left
            ? RefuseAsync(context, "lock", left, "too many sign-ins from this address failed")
            : JudgeRateAsync(context, next, _addresses, $"{address}", "address");
    }

    private Task JudgeCallerAsync(HttpContext context, RequestDelegate next)
    {
        if (Callers.OfOrNull(context) is not { } caller)
        {
            CountFailure(context);
            return next(context);
        }

        _meter.Count(caller.Method, admitted: true);
        return caller.Method == CallerMethod.Local ? next(context)
            : _failed.LockOf(caller.Principal) is { } left
                ? RefuseAsync(context, "lock", left, "too many sign-ins of this principal failed")
                : JudgeRateAsync(context, next, _principals, caller.Principal, "principal");
    }

    private void CountFailure(HttpContext context)
    {
        if (PresentedCredential.Of(context).Method is { } method)
        {
            _meter.Count(method, admitted: false);
            _failed.Failed(AddressOf(context));
        }

        if (context.Items[ProvenPrincipal] is string principal)
        {
            _failed.Failed(principal);
        }
    }

    private Task JudgeRateAsync(
        HttpContext context, RequestDelegate next, PartitionedRateLimiter<string> limiter, string key, string limit)
    {
        using var lease = limiter.AttemptAcquire(key);
        return lease.IsAcquired
            ? next(context)
            : RefuseAsync(
                context,
                limit,
                lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1),
                $"this {limit} asks more than it may");
    }

    private Task RefuseAsync(HttpContext context, string limit, TimeSpan wait, string detail)
    {
        _meter.Limited(limit);
        context.Response.Headers.RetryAfter = $"{Math.Ceiling(Math.Max(1, wait.TotalSeconds)):0}";
        return Problems.TooManyRequests(detail).ExecuteAsync(context);
    }
}
