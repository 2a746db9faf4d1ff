using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Text;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.X509;

namespace ControlPlane.Access;

/// <summary>Signs a person in, and gets them a Choria user token for a new key.</summary>
/// <param name="http">How the control plane is reached.</param>
/// <param name="grant">How the person signs in.</param>
/// <param name="time">The clock.</param>
internal sealed class ChoriaLoginClient(HttpClient http, DeviceGrant grant, TimeProvider time)
{
    /// <summary>How the control plane's certificate is verified: by Choria's own CA where one is configured.</summary>
    public static HttpClient HttpFor(ChoriaClientConfiguration configuration)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        if (configuration.CaFile is { } file)
        {
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = PeerTrust.RootsOf(file) };
        }

        return new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
    }

    /// <summary>Signs in, and writes seed and token where Choria's client looks for them.</summary>
    /// <returns>The claims of the token.</returns>
    /// <exception cref="SignInException">It was refused, or nobody answers.</exception>
    public async Task<ClientClaims> LogInAsync(ChoriaClientConfiguration configuration, CancellationToken cancellationToken)
    {
        var (url, provider) = await FindProviderAsync(configuration.LoginUrls, cancellationToken);
        var idToken = (await grant.SignInAsync(provider, cancellationToken)).IdToken
            ?? throw new SignInException("the identity provider gave no ID token; ask for the scope openid");
        using var key = Ed25519Key.Generate();
        var token = await ExchangeAsync(url, idToken, key, cancellationToken);
        if (!ChoriaToken.TryReadUnverified(token, out ClientClaims? claims, out var fault) || claims.PublicKey != key.PublicKeyHex)
        {
            throw new SignInException($"{url} answered something that is no token for the new key: {fault}");
        }

        // Only now: a log-in that fails leaves the old pair as it was. Between the two lines they do not match; signing in again mends it.
        PrivateFile.Write(configuration.SeedFile, key.ExportSeedHex());
        PrivateFile.Write(configuration.TokenFile, token);
        return claims;
    }

    // Any of them will do: those that are away are passed over.
    private async Task<(Uri Url, SignInHint Provider)> FindProviderAsync(
        IReadOnlyList<Uri> urls, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        foreach (var url in urls)
        {
            try
            {
                using var response = await http.GetAsync(new Uri($"{url.AbsoluteUri.TrimEnd('/')}/options"), cancellationToken);
                if (response.StatusCode == HttpStatusCode.NotFound)
                {
                    faults.Add($"{url} lets nobody sign in at an identity provider (Access:Signer:Oidc)");
                    continue;
                }

                response.EnsureSuccessStatusCode();
                return (url, await response.Content.ReadFromJsonAsync(ChoriaMessages.Default.SignInHint, cancellationToken)
                    ?? throw new JsonException("it is empty"));
            }
            catch (Exception away) when (away is HttpRequestException or JsonException
                || (away is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                faults.Add($"{url} does not answer: {away.Message}");
            }
        }

        throw new SignInException(string.Join("; ", faults));
    }

    private async Task<string> ExchangeAsync(Uri url, string idToken, Ed25519Key key, CancellationToken cancellationToken)
    {
        var timestamp = $"{time.GetUtcNow().ToUnixTimeSeconds()}";
        var statement = ChoriaLogInQuestion.StatementOfIdToken(timestamp, key.PublicKeyHex, idToken);
        var message = new LoginMessage
        {
            IdToken = idToken,
            PublicKey = key.PublicKeyHex,
            Timestamp = timestamp,
            Signature = key.SignHex(Encoding.UTF8.GetBytes(statement)),
        };
        try
        {
            using var response = await http.PostAsJsonAsync(url, message, ChoriaMessages.Default.LoginMessage, cancellationToken);
            response.EnsureSuccessStatusCode();
            var reply = await response.Content.ReadFromJsonAsync(ChoriaMessages.Default.LoginReply, cancellationToken);
            return reply is { Error: null or "", Token: { Length: > 0 } token }
                ? token
                : throw new SignInException($"{reply?.Error ?? "no token was given"}{(reply?.Detail is { } why ? $": {why}" : "")}");
        }
        catch (Exception away) when (away is HttpRequestException or JsonException)
        {
            throw new SignInException($"{url} does not answer: {away.Message}", away);
        }
    }
}
