using Microsoft.AspNetCore.OutputCaching;

namespace ControlPlane.Api;

/// <summary>
/// A document that is the same for everybody is made once and kept, whoever asks and with whatever query, so that nobody makes us work by
/// asking for it.
/// </summary>
internal sealed class DocumentCache : IOutputCachePolicy
{
    public const string PolicyName = "same for all";

    public ValueTask CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        context.EnableOutputCaching = HttpMethods.IsGet(context.HttpContext.Request.Method);
        context.AllowCacheLookup = true;
        context.AllowCacheStorage = true;
        context.AllowLocking = true;
        context.CacheVaryByRules.VaryByHost = false;
        context.ResponseExpirationTimeSpan = TimeSpan.FromDays(1);
        return ValueTask.CompletedTask;
    }

    public ValueTask ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        context.AllowCacheStorage = context.HttpContext.Response.StatusCode == StatusCodes.Status200OK;
        return ValueTask.CompletedTask;
    }
}
