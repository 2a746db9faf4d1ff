using System.Net;
using System.Text;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.Ports;

/// <summary>How what is asked over HTTP fails.</summary>
public enum WebFailure
{
    NobodyListens,
    BreaksOff,
    IsSilent,
    Fails,
    IsAway,
    Forbids,
    Refuses,
    Throttles,
    Redirects,
    AnswersPage,
    AnswersEmptyObject,
    AnswersAnotherObject,
    AnswersUnknownCharset,
}

/// <summary>A web server that answers everything in one wrong way.</summary>
internal sealed class FailingWeb : IAsyncDisposable
{
    // What Vault and cfssl begin with is as it should be; what is asked then is there, and is something else.
    private const string Another = """
        {
          "success": true, "result": { "certificate": 7, "usages": "x" },
          "auth": { "client_token": "planted-4711", "lease_duration": 3600, "renewable": false },
          "data": { "certificate": "no PEM", "ca_chain": 7, "keys": ["4711", 7], "max_lease_ttl": "x", "ttl": 3600, "key_type": 7 },
          "value": 7, "kid": 7, "cer": "bm8gREVS", "overlay": 7, "configuration": 7
        }
        """;

    private const string Hollow = """
        { "success": true, "result": {}, "data": {}, "auth": { "client_token": "t", "lease_duration": 3600, "renewable": false } }
        """;

    private readonly HttpListener listener = new();
    private readonly WebFailure failure;
    private readonly Task serving;
    private readonly TaskCompletionSource ending = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FailingWeb(WebFailure failure)
    {
        this.failure = failure;
        Url = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}/");
        listener.Prefixes.Add(Url.ToString());
        serving = failure == WebFailure.NobodyListens ? Task.CompletedTask : ServeAsync();
    }

    public Uri Url { get; }

    public async ValueTask DisposeAsync()
    {
        ending.SetResult();
        listener.Close();
        await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ServeAsync()
    {
        listener.Start();
        while (!ending.Task.IsCompleted)
        {
            _ = AnswerAsync(await listener.GetContextAsync());
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var response = context.Response;
        switch (failure)
        {
            case WebFailure.BreaksOff:
                response.Abort();
                return;
            case WebFailure.IsSilent:
                await ending.Task;
                response.Abort();
                return;
            case WebFailure.Throttles:
                response.Headers["Retry-After"] = "soon";
                break;
            case WebFailure.Redirects:
                response.RedirectLocation = "http://127.0.0.1:1/";
                break;
            case WebFailure.AnswersUnknownCharset:
                response.ContentType = "application/json; charset=klingon";
                break;
            default:
                break;
        }

        response.StatusCode = failure switch
        {
            WebFailure.Fails => 500,
            WebFailure.IsAway => 503,
            WebFailure.Forbids => 403,
            WebFailure.Refuses => 400,
            WebFailure.Throttles => 429,
            WebFailure.Redirects => 307,
            _ => 200,
        };
        await response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(failure switch
        {
            WebFailure.AnswersEmptyObject => Hollow,
            WebFailure.AnswersAnotherObject => Another,
            WebFailure.AnswersUnknownCharset => "{}",
            _ => "<html>It works!</html>",
        }));
    }
}
