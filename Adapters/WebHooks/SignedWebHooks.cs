using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using ControlPlane.Adapters.Http;
using ControlPlane.Jobs;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.WebHooks;

/// <summary>Posts CloudEvents to web hooks, signed as the Standard Webhooks specification says. Thread-safe.</summary>
internal sealed class SignedWebHooks(IOptionsMonitor<JobsOptions> options, TimeProvider time) : IWebHooks, IDisposable
{
    private const int AnswerBytesMax = 64 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    // By address: settings may change while the silo runs.
    private readonly ConcurrentDictionary<string, Lazy<WebHook>> hooks = new(StringComparer.Ordinal);

    public async Task<string> PostAsync(string name, string id, string json, CancellationToken cancellationToken)
    {
        if (options.CurrentValue.WebHooks.GetValueOrDefault(name) is not { Url: { } url, SecretFile: { } file })
        {
            throw new ReceiverUnavailableException($"there is no web hook '{name}' any more: add it to Jobs:WebHooks");
        }

        var hook = hooks.GetOrAdd(url, _ => new Lazy<WebHook>(() => new WebHook(url, tokenFile: null, AnswerBytesMax))).Value;
        using var limit = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            var secrets = await WebHookSecrets.ReadAsync(file, either.Token);
            var answer = await hook.AskAsync(json, either.Token, request => Sign(request, secrets, id, json));
            return answer.IsSuccess
                ? answer.Body
                : throw new ReceiverUnavailableException($"the web hook '{name}' answered {(int)answer.Status}");
        }
        catch (WebHookException away)
        {
            // Its own message has the address, which may hold a secret of the receiver; what caused it has not.
            var cause = away.InnerException;
            throw new ReceiverUnavailableException($"the web hook '{name}' does not answer: {cause?.Message}", cause);
        }
        catch (Exception unfit) when (unfit is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new ReceiverUnavailableException($"the web hook '{name}' has no secret: {unfit.Message}", unfit);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ReceiverUnavailableException($"the web hook '{name}' does not answer within {Patience.TotalSeconds:0} s");
        }
    }

    public void Dispose()
    {
        foreach (var hook in hooks.Values.Where(hook => hook.IsValueCreated))
        {
            hook.Value.Dispose();
        }
    }

    private void Sign(HttpRequestMessage request, IReadOnlyList<byte[]> secrets, string id, string json)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        request.Content!.Headers.ContentType = new MediaTypeHeaderValue("application/cloudevents+json", "utf-8");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebHookSecrets.Sign(secrets, id, timestamp, json));
    }
}
