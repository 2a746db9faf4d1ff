using System.Security.Cryptography;
using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Security.KeyVault.Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>The two calls of a vault that we need, over Azure's pipeline. Thread-safe.</summary>
/// <remarks>
/// Nothing is tried again in here: a lost signature is no certificate, so that every failure may be retried by whoever ordered, within
/// its own deadline.
/// </remarks>
internal sealed class KeyVaultClient(
    string issuer, KeyVaultOptions options, TokenCredential credential, HttpPipelineTransport? transport) : IDisposable
{
    private const string ApiVersion = "7.4";
    private static readonly TimeSpan RetryAfterDefault = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim places = new(options.ConcurrencyMax);
    private readonly CertificateClient certificates = new(
        options.Url, credential, Configure(new CertificateClientOptions(CertificateClientOptions.ServiceVersion.V7_4), options, transport));

    private readonly HttpPipeline pipeline = HttpPipelineBuilder.Build(
        Configure(new PipelineOptions(), options, transport), [], [new KeyVaultChallengePolicy(credential)], responseClassifier: null);

    /// <summary>The CA's certificate, and the version of its key; null for the policy when a version was asked for.</summary>
    public Task<(KeyVaultCertificate Certificate, CertificatePolicy? Policy)> GetCertificateAsync(CancellationToken cancellationToken) =>
        CallAsync<(KeyVaultCertificate, CertificatePolicy?)>(
            async token =>
            {
                if (options.CertificateVersion is { } version)
                {
                    return (await certificates.GetCertificateVersionAsync(options.Certificate, version, token), null);
                }

                var current = (await certificates.GetCertificateAsync(options.Certificate, token)).Value;
                return (current, current.Policy);
            },
            cancellationToken);

    /// <summary>Has the key sign a digest: <c>POST keys/{name}/{version}/sign</c>.</summary>
    public Task<byte[]> SignAsync(KeyVaultAuthority authority, byte[] digest, CancellationToken cancellationToken) => CallAsync(
        async token =>
        {
            using var message = pipeline.CreateMessage();
            message.Request.Method = RequestMethod.Post;
            message.Request.Uri.Reset(new Uri($"{authority.KeyId.AbsoluteUri.TrimEnd('/')}/sign?api-version={ApiVersion}"));
            message.Request.Headers.Add("Content-Type", "application/json");
            message.Request.Headers.Add("Accept", "application/json");
            message.Request.Content = RequestContent.Create(
                JsonSerializer.SerializeToUtf8Bytes(new { alg = authority.SignatureName, value = Base64Url(digest) }));
            await pipeline.SendAsync(message, token);
            return message.Response.Status == 200 ? Read(message.Response, authority) : throw new RequestFailedException(message.Response);
        },
        cancellationToken);

    public void Dispose() => places.Dispose();

    private async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            return await call(cancellationToken);
        }
        catch (RequestFailedException refused)
        {
            throw OfAnswer(refused);
        }
        catch (Exception foreign) when (foreign is JsonException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new IssuerUnavailableException($"what answers at {options.Url} for {issuer} is not Key Vault", foreign);
        }
        catch (InvalidOperationException stranger)
        {
            // Azure's own policy says so of a challenge for a resource that the host is not below.
            throw new IssuerMisconfiguredException($"Key Vault {issuer}: {stranger.Message}", stranger);
        }
        catch (CredentialUnavailableException away)
        {
            throw new IssuerUnavailableException($"no identity for {issuer}: {away.Message}", away);
        }
        catch (AuthenticationFailedException denied)
        {
            throw denied.InnerException is RequestFailedException { Status: 0 or >= 500 }
                ? new IssuerUnavailableException($"no token for {issuer}: {denied.Message}", denied)
                : new IssuerMisconfiguredException($"no token for {issuer}: {denied.Message}", denied);
        }
        catch (OperationCanceledException slow) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IssuerUnavailableException($"Key Vault {issuer} did not answer in {options.Timeout}", slow);
        }
        finally
        {
            places.Release();
        }
    }

    private Exception OfAnswer(RequestFailedException refused)
    {
        var message = $"Key Vault {issuer} answered {refused.Status} {refused.ErrorCode}";
        return refused.Status switch
        {
            429 => new IssuerThrottledException(message, RetryAfter(refused.GetRawResponse()), refused),
            0 or 408 or >= 500 => new IssuerUnavailableException($"{message}: {FirstLine(refused.Message)}", refused),
            _ => new IssuerMisconfiguredException($"{message}: {FirstLine(refused.Message)}", refused),
        };
    }

    private byte[] Read(Response response, KeyVaultAuthority authority)
    {
        try
        {
            using var answer = JsonDocument.Parse(response.Content);
            var keyId = answer.RootElement.GetProperty("kid").GetString();
            if (keyId != authority.KeyId.AbsoluteUri)
            {
                throw new IssuerMisconfiguredException($"Key Vault {issuer} signed by '{keyId}' instead of '{authority.KeyId}'");
            }

            var value = answer.RootElement.GetProperty("value").GetString() ?? "";
            return Convert.FromBase64String(value.Replace('-', '+').Replace('_', '/').PadRight((value.Length + 3) / 4 * 4, '='));
        }
        catch (Exception foreign) when (foreign is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IssuerUnavailableException($"Key Vault {issuer} answered something that is not a signature", foreign);
        }
    }

    private static TimeSpan RetryAfter(Response? response) =>
        response is not null
            && response.Headers.TryGetValue("Retry-After", out var text)
            && int.TryParse(text, out var seconds)
            && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : RetryAfterDefault;

    private static string Base64Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static string FirstLine(string message) => message.Split('\n')[0].Trim();

    private static T Configure<T>(T client, KeyVaultOptions options, HttpPipelineTransport? transport)
        where T : ClientOptions
    {
        client.Retry.MaxRetries = 0;
        client.Retry.NetworkTimeout = options.Timeout;
        if (transport is not null)
        {
            client.Transport = transport;
        }

        return client;
    }

    private sealed class PipelineOptions : ClientOptions;
}
