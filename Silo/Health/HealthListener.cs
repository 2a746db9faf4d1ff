using ControlPlane.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace ControlPlane.Health;

/// <summary>The listener of <see cref="HealthOptions.Listen"/>, and the mark on its connections that keeps the API off it.</summary>
internal sealed class HealthListener
{
    private static readonly HealthListener Mark = new();

    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<HealthOptions>, HealthOptionsValidator>();
        services.AddOptions<HealthOptions>().BindConfiguration(HealthOptions.Section).ValidateOnStart();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<HealthOptions>>((kestrel, health) => Listen(kestrel, health.Value));
    }

    public static bool Took(HttpContext context) => context.Features.Get<HealthListener>() is not null;

    private static void Listen(KestrelServerOptions kestrel, HealthOptions health)
    {
        var limit = new ConnectionLimit(HealthOptions.ConnectionsMax, HealthOptions.ConnectionsPerAddressMax);
        foreach (var listen in health.Urls.Select(url => ListenUrl.Parse(url)!))
        {
            kestrel.Listen(listen.Endpoint, endpoint => endpoint.Use(limit.Guard).Use(next => connection =>
            {
                connection.Features.Set(Mark);
                return next(connection);
            }));
        }
    }
}
