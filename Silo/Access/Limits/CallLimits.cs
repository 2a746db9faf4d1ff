using System.Threading.RateLimiting;
using ControlPlane.Api;
using ControlPlane.Hosting;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Refuses who asks too much, or failed to sign in too often; counts all others by how they are known.</summary>
internal sealed class CallLimits : ICallLimits, IDisposable
{
    /// <summary>Under which a scheme leaves the principal whom a credential names that failed all the same.</summary>
    public static readonly object ProvenPrincipal = new();

    // No user of a list has a longer one, and what strangers write is not to fill the memory.
    private const int UserNameLengthMax = 256;

    private readonly FailedSignIns _failed;
    private readonly AuthenticationMeter _meter;
    private readonly IAuditTrail _audit;
    private readonly PartitionedRateLimiter<string> _addresses;
    private readonly PartitionedRateLimiter<string> _principals;

    public CallLimits(IOptions<LimitsOptions> options, FailedSignIns failed, AuthenticationMeter meter, IAuditTrail audit)
    {
        (_failed, _meter, _audit) = (failed, meter, audit);
        _addresses = Limiter(options.Value.AddressRate, options.Value.BurstSeconds);
        _principals = Limiter(options.Value.PrincipalRate, options.Value.BurstSeconds);
    }

    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<LimitsOptions>, LimitsOptionsRanges>();
        services.AddOptions<LimitsOptions>().BindConfiguration(LimitsOptions.Section).ValidateOnStart();
        services.AddSingleton<FailedSignIns>();
        services.AddSingleton<CallLimits>();
        services.AddSingleton<ICallLimits>(provider => provider.GetRequiredService<CallLimits>());
    }

    /// <summary>Authenticates between the limits of addresses, which come before any cryptography, and those of principals.</summary>
    public static void Use(WebApplication app)
    {
        var limits = app.Services.GetRequiredService<CallLimits>();
        var isOn = app.Services.GetRequiredService<AccessDemand>().IsOn;
        app.Use((context, next) =>
            isOn || ChoriaEndpoints.IsFor(context.Request) ? limits.JudgeAddressAsync(context, next) : next(context));
        app.UseAuthentication();
        app.Use((context, next) => limits.JudgeCallerAsync(context, next));
    }

    public CallRefusal? LockOf(SignInAttempt attempt) =>
        attempt.Address is not null && _failed.LockOf(FailedBy.Address, CallerNetwork.Of(attempt.Address)) is { } ofAddress
            ? Locked(ofAddress, "too many sign-ins from this address failed")
        : attempt.UserName is { } user && _failed.LockOf(FailedBy.User, user) is { } ofUser
            ? Locked(ofUser, "too many sign-ins of this user failed")
        : null;

    public void Failed(SignInAttempt attempt)
    {
        if (attempt.Address is { } address)
        {
            _failed.Add(FailedBy.Address, CallerNetwork.Of(address));
        }

        if (attempt.UserName is { Length: > 0 and <= UserNameLengthMax } user)
        {
            _failed.Add(FailedBy.User, user);
        }

        if (attempt.Holder is { } holder)
        {
            _failed.Add(FailedBy.Principal, holder);
        }
    }

    public CallRefusal? Take(Caller caller) => caller.Method is CallerMethod.Local or CallerMethod.System ? null
        : _failed.LockOf(FailedBy.Principal, caller.Principal) is { } left ? Locked(left, "too many sign-ins of this principal failed")
        : TakeOf(_principals, caller.Principal, "principal");

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

    private CallRefusal Locked(TimeSpan left, string detail)
    {
        _meter.Limited("lock");
        return new CallRefusal(IsLock: true, left, detail);
    }

    private CallRefusal? TakeOf(PartitionedRateLimiter<string> limiter, string key, string limit)
    {
        using var lease = limiter.AttemptAcquire(key);
        if (lease.IsAcquired)
        {
            return null;
        }

        _meter.Limited(limit);
        return new CallRefusal(
            IsLock: false,
            lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1),
            $"this {limit} asks more than it may");
    }

    private Task JudgeAddressAsync(HttpContext context, RequestDelegate next)
    {
        var method = PresentedCredential.Of(context).Method
            ?? (context.Request.Path == ConsoleSignIn.SignedInPath ? CallerMethod.Oidc : null);
        return method is { } shown && LockOf(new SignInAttempt(Callers.AddressOf(context))) is { } locked
            ? RefuseAsync(context, locked, shown, principal: null)
            : TakeOf(_addresses, CallerNetwork.Of(Callers.AddressOf(context)), "address") is { } tooMuch
                ? RefuseAsync(context, tooMuch)
                : next(context);
    }

    private Task JudgeCallerAsync(HttpContext context, RequestDelegate next)
    {
        if (Callers.OfOrNull(context) is not { } caller)
        {
            CountFailure(context);
            return next(context);
        }

        _meter.Count(caller.Method, admitted: true);
        return Take(caller) is { } refusal ? RefuseAsync(context, refusal, caller.Method, caller.Principal) : next(context);
    }

    private void CountFailure(HttpContext context)
    {
        if (PresentedCredential.Of(context).Method is { } method)
        {
            _meter.Count(method, admitted: false);
            Failed(new SignInAttempt(Callers.AddressOf(context)) { Holder = context.Items[ProvenPrincipal] as string });
        }
    }

    // A lock is recorded: somebody was not let in. That somebody asks too much is load, and counted alone.
    private async Task RefuseAsync(HttpContext context, CallRefusal refusal, CallerMethod method, string? principal)
    {
        if (refusal.IsLock)
        {
            await _audit.RecordFailedSignInAsync(method, principal, Callers.AddressOf(context), refusal.Detail);
        }

        await RefuseAsync(context, refusal);
    }

    private static Task RefuseAsync(HttpContext context, CallRefusal refusal)
    {
        context.Response.Headers.RetryAfter = $"{Math.Ceiling(Math.Max(1, refusal.Wait.TotalSeconds)):0}";
        return Problems.TooManyRequests(refusal.Detail).ExecuteAsync(context);
    }
}
