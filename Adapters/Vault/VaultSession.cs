using System.Runtime.ExceptionServices;
using ControlPlane.Certificates;
using ControlPlane.Nodes;

namespace ControlPlane.Adapters.Vault;

/// <summary>Keeps one token: renews it well before it ends, and logs in once for all who wait when it is gone.</summary>
/// <remarks>
/// Driven by its callers; it has no timer. Orders and health checks come often enough to renew in time, and where nobody calls for so
/// long that the token ends, the next call logs in.
/// </remarks>
internal sealed class VaultSession(VaultLogin login, VaultLoginMethod method, TimeProvider time, Random random) : IDisposable
{
    private const double RenewAtShare = 2.0 / 3;

    // Silos that were started together must not renew together.
    private const double JitterShare = 0.1;

    // Renewals shrink as a token nears its greatest age; below this share of the first grant a new login is due.
    private const double ShrunkShare = 0.5;
    private static readonly TimeSpan LoginRetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RenewalRetryPause = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim changing = new(1, 1);
    private volatile Held? held;
    private Failed? failed;

    /// <summary>A token to call with; logs in when there is none, with one login for all who wait.</summary>
    /// <exception cref="IssuerMisconfiguredException">Vault does not let us in.</exception>
    /// <exception cref="IssuerUnavailableException">Vault did not answer.</exception>
    public ValueTask<string> GetTokenAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return held is { } current && now < current.RenewAt
            ? ValueTask.FromResult(current.Grant.Token)
            : new ValueTask<string>(RefreshAsync(cancellationToken));
    }

    /// <summary>Says that Vault refused a token; the next call logs in, unless another did so meanwhile.</summary>
    public void Invalidate(string token)
    {
        if (held is { } current && current.Grant.Token == token)
        {
            held = null;
        }
    }

    public void Dispose() => changing.Dispose();

    private async Task<string> RefreshAsync(CancellationToken cancellationToken)
    {
        if (held is { } usable && time.GetUtcNow() < usable.EndsAt)
        {
            // While one renews, the others go on with the token that still holds.
            if (!changing.Wait(0, cancellationToken))
            {
                return usable.Grant.Token;
            }
        }
        else
        {
            await changing.WaitAsync(cancellationToken);
        }

        try
        {
            var now = time.GetUtcNow();
            if (held is { } current && now < current.RenewAt)
            {
                return current.Grant.Token;
            }

            held = held is { } old && now < old.EndsAt
                ? await RenewAsync(old, cancellationToken)
                : Hold(await LogInAsync(now, cancellationToken), first: null);
            return held.Grant.Token;
        }
        finally
        {
            changing.Release();
        }
    }

    // Who waited for a login that failed gets its failure too: hundreds in turn would each wait out the time limit.
    private async Task<VaultGrant> LogInAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (failed is { } recent && now < recent.Until)
        {
            ExceptionDispatchInfo.Throw(recent.Fault);
        }

        try
        {
            return await login.LogInAsync(cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            failed = new Failed(fault, time.GetUtcNow() + LoginRetryPause);
            throw;
        }
    }

    private async Task<Held> RenewAsync(Held old, CancellationToken cancellationToken)
    {
        try
        {
            var renewed = old.Grant.Renewable ? await login.RenewAsync(old.Grant, cancellationToken) : null;
            var shrunk = renewed is null || renewed.Lifetime < old.FirstLifetime * ShrunkShare;
            return shrunk && (renewed is null || method is not VaultLoginMethod.Token)
                ? Hold(await login.LogInAsync(cancellationToken), first: null)
                : Hold(renewed!, old.FirstLifetime);
        }
        catch (Exception away) when (away is IssuerUnavailableException or IssuerThrottledException or IssuerMisconfiguredException)
        {
            // The token that we have still holds: a Vault that is busy, or a secret that is being replaced, stops nobody yet.
            var now = time.GetUtcNow();
            return old with { RenewAt = now + RenewalRetryPause < old.EndsAt ? now + RenewalRetryPause : old.EndsAt };
        }
    }

    private Held Hold(VaultGrant grant, TimeSpan? first)
    {
        if (grant.Lifetime <= TimeSpan.Zero)
        {
            return new Held(grant, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue, TimeSpan.Zero);
        }

        var now = time.GetUtcNow();
        var share = RenewAtShare + (((random.NextDouble() * 2) - 1) * JitterShare);
        return new Held(grant, now + (grant.Lifetime * share), now + grant.Lifetime, first ?? grant.Lifetime);
    }

    private sealed record Held(VaultGrant Grant, DateTimeOffset RenewAt, DateTimeOffset EndsAt, TimeSpan FirstLifetime);

    private sealed record Failed(Exception Fault, DateTimeOffset Until);
}
