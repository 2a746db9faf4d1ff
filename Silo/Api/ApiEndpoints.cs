using System.Net.Security;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlPlane.Access;
using ControlPlane.Certificates;
using ControlPlane.DeadLetters;
using ControlPlane.Enrolment;
using ControlPlane.Flow;
using ControlPlane.Hosting;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Replication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace ControlPlane.Api;

/// <summary>The HTTP API: where it listens, how it speaks, what it offers.</summary>
internal static class ApiEndpoints
{
    /// <summary>The largest request body; an endpoint that takes more says so itself.</summary>
    private const long BodyBytesMax = 64 * 1024;

    // Callers that are slow to ask lose their connection: it is one that another could have.
    private static readonly TimeSpan IdleMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan HeadersMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HandshakeMax = TimeSpan.FromSeconds(5);
    private static readonly MinDataRate BodyRateMin = new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(5));

    public static WebApplicationBuilder AddApi(this WebApplicationBuilder builder)
    {
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.Services.AddOptions<KestrelServerOptions>()
            .Configure<IOptions<ApiOptions>, IOptions<ClientCertificateOptions>, ILogger<ServerCertificate>>(
                (kestrel, api, certificates, logger) => Listen(kestrel, api.Value, certificates.Value.IsOn, logger));
        builder.Services.AddRouting();
        builder.Services.AddProblems();
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.ConfigureHttpJsonOptions(http => Write(http.SerializerOptions));
        builder.Services.AddOpenApiDocument();
        builder.Services.AddOutputCache(cache => cache.AddPolicy(DocumentCache.PolicyName, new DocumentCache()));
        builder.Services.AddSingleton<WatcherLimit>();
        builder.Services.AddSingleton<FleetSummarySource>();
        builder.Services.AddRounds<FleetSummarySource>(
            "summary", FleetSummarySource.Interval, (summary, _) => summary.RenewAsync(), isDueAtOnce: true);
        return builder;
    }

    public static void MapApi(this IEndpointRouteBuilder app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous().CacheOutput(DocumentCache.PolicyName);
        var v1 = app.MapGroup("/v1");
        v1.MapNodes();
        v1.MapCertificates();
        v1.MapInventory();
        v1.MapNodeWatch();
        v1.MapOverlays();
        v1.MapEnrolment();
        v1.MapPlacementPolicy();
        v1.MapPlacementPlans();
        v1.MapPlacementLeader();
        v1.MapJobs();
        v1.MapJobSchedules();
        v1.MapJobResults();
        v1.MapJobWatch();
        v1.MapAgents();
        v1.MapReplication();
        v1.MapSummary();
        v1.MapAccess();
        v1.MapSignInHints();
        v1.MapAccessPolicy();
        v1.MapDeadLetters();
        v1.MapChoriaTokens();
        v1.MapSessions();
        v1.MapAudit();
    }

    /// <summary>The JSON that the API speaks: camel case throughout, enumerations as words.</summary>
    public static void Write(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        json.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));

        // A body that says more or less than it should, or a number as text, is refused, not guessed at.
        json.NumberHandling = JsonNumberHandling.Strict;
        json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        json.RespectNullableAnnotations = true;
        json.RespectRequiredConstructorParameters = true;
    }

    private static void Listen(KestrelServerOptions kestrel, ApiOptions api, bool asksForCertificates, ILogger logger)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = BodyBytesMax;
        kestrel.Limits.KeepAliveTimeout = IdleMax;
        kestrel.Limits.RequestHeadersTimeout = HeadersMax;
        kestrel.Limits.MinRequestBodyDataRate = BodyRateMin;
        var limit = new ConnectionLimit(ApiOptions.ConnectionsMax, api.ConnectionsPerAddressMax);
        foreach (var listen in api.Urls.Select(url => ListenUrl.Parse(url)!))
        {
            kestrel.Listen(listen.Endpoint, endpoint =>
            {
                endpoint.Use(limit.Guard);
                if (listen.Tls)
                {
                    var certificate = new ServerCertificate(api.CertificateFile, api.KeyFile, logger);
                    endpoint.UseHttps(new TlsHandshakeCallbackOptions
                    {
                        HandshakeTimeout = HandshakeMax,
                        OnConnection = _ => new ValueTask<SslServerAuthenticationOptions>(new SslServerAuthenticationOptions
                        {
                            ServerCertificateContext = certificate.Current(),
                            ClientCertificateRequired = asksForCertificates,

                            // Whether it is good, the authentication of each request says: callers may have another credential.
                            RemoteCertificateValidationCallback = (_, _, _, errors) =>
                                !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch),
                        }),
                    });
                }
            });
        }
    }
}
