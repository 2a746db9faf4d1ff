using System.Net;
using System.Text.Json.Nodes;
using ControlPlane.Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ControlPlane.TestKit;

/// <summary>What a <see cref="CfsslFront"/> does with orders.</summary>
public enum FrontBehaviour
{
    /// <summary>Passes them on.</summary>
    Passes,

    /// <summary>Has them signed and breaks the connection instead of answering.</summary>
    LosesTheAnswer,

    /// <summary>Answers 200 with a page of HTML.</summary>
    AnswersGarbage,

    /// <summary>Answers 429 with Retry-After, as a proxy with a quota does.</summary>
    Throttles,

    /// <summary>Has another key certified for the same name.</summary>
    ChangesTheKey,

    /// <summary>Leaves the names out.</summary>
    OmitsTheNames,

    /// <summary>Answers 503 as a proxy does whose cfssl is gone.</summary>
    IsAlone,

    /// <summary>Answers 502 as a proxy does whose cfssl broke off.</summary>
    LostItsServer,
}

/// <summary>A proxy before a real cfssl that spoils what passes, to show what cfssl itself cannot be made to do.</summary>
public sealed class CfsslFront : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly HttpClient _server;
    private int _orders;

    private CfsslFront(CfsslServer server)
    {
        _server = new HttpClient { BaseAddress = server.Url };
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.Run(ServeAsync);
    }

    /// <summary>Where it listens; after the start.</summary>
    public Uri Url => new(_application.Urls.First());

    public FrontBehaviour Behaviour { get; set; }

    /// <summary>How many orders it saw.</summary>
    public int Orders => _orders;

    public static async Task<CfsslFront> StartAsync(CfsslServer server, FrontBehaviour behaviour)
    {
        var front = new CfsslFront(server) { Behaviour = behaviour };
        await front._application.StartAsync();
        return front;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _server.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync(context.RequestAborted);
        if (!context.Request.Path.Value!.EndsWith("/sign", StringComparison.Ordinal))
        {
            await PassAsync(context, body);
            return;
        }

        Interlocked.Increment(ref _orders);
        switch (Behaviour)
        {
            case FrontBehaviour.Passes:
                await PassAsync(context, body);
                break;
            case FrontBehaviour.LosesTheAnswer:
                using (await SendAsync(context, body))
                {
                    context.Abort();
                }

                break;
            case FrontBehaviour.AnswersGarbage:
                await context.Response.WriteAsync("<html>It works!</html>");
                break;
            case FrontBehaviour.Throttles:
                context.Response.StatusCode = 429;
                context.Response.Headers.RetryAfter = "3";
                break;
            case FrontBehaviour.ChangesTheKey:
                await PassAsync(
                    context, Change(body, order => order["certificate_request"] = SigningRequests.Elliptic("web1.example.net")));
                break;
            case FrontBehaviour.OmitsTheNames:
                await PassAsync(context, Change(body, order => order["hosts"] = new JsonArray()));
                break;
            case FrontBehaviour.IsAlone:
                context.Response.StatusCode = 503;
                break;
            case FrontBehaviour.LostItsServer:
                context.Response.StatusCode = 502;
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static string Change(string body, Action<JsonNode> change)
    {
        var order = JsonNode.Parse(body)!;
        change(order);
        return order.ToJsonString();
    }

    private async Task PassAsync(HttpContext context, string body)
    {
        using var answer = await SendAsync(context, body);
        context.Response.StatusCode = (int)answer.StatusCode;
        await context.Response.WriteAsync(await answer.Content.ReadAsStringAsync(context.RequestAborted), context.RequestAborted);
    }

    private Task<HttpResponseMessage> SendAsync(HttpContext context, string body)
    {
        var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), context.Request.Path.Value)
        {
            Content = body.Length > 0 ? new StringContent(body) : null,
            Version = HttpVersion.Version11,
        };
        return _server.SendAsync(request, context.RequestAborted);
    }
}
