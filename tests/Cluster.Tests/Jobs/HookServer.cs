using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>A web hook on the loopback, which is told of events and asked at gates. Signatures are another test's matter.</summary>
internal sealed class HookServer : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly ConcurrentQueue<string> types = new();

    public HookServer()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        application = builder.Build();
        application.Run(async context =>
        {
            var told = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body, cancellationToken: context.RequestAborted);
            types.Enqueue(told.GetProperty("type").GetString()!);
            await context.Response.WriteAsync($$"""{"decision":"{{Decision}}","reason":"tested"}""");
        });
        File.WriteAllText(SecretFile, $"whsec_{Convert.ToBase64String(new byte[32])}");
    }

    public string SecretFile { get; } = Path.GetTempFileName();

    public string Url => application.Urls.First();

    public string Decision { get; set; } = "proceed";

    /// <summary>The types of what came, in order.</summary>
    public IReadOnlyCollection<string> Types => types;

    public Task StartAsync(CancellationToken cancellationToken) => application.StartAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await application.DisposeAsync();
        File.Delete(SecretFile);
    }
}
