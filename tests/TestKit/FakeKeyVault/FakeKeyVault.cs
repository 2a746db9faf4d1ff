using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ControlPlane.TestKit;

/// <summary>What a <see cref="FakeKeyVault"/> does wrong.</summary>
public enum KeyVaultTrick
{
    None,

    /// <summary>403, as for an identity without the permission <c>keys/sign</c>.</summary>
    Forbids,

    /// <summary>429 with Retry-After.</summary>
    Throttles,

    /// <summary>Signs and never answers.</summary>
    Silent,

    /// <summary>Signs and breaks the connection.</summary>
    LosesTheAnswer,

    /// <summary>Answers 200 with a page of HTML.</summary>
    Garbage,

    /// <summary>Signs by another key under the right name.</summary>
    OtherKey,

    /// <summary>Signs by another version of the key, and says so.</summary>
    OtherVersion,

    /// <summary>Challenges for a resource that it is not below, as one who wants a token for another vault.</summary>
    Phishes,

    /// <summary>500.</summary>
    Fails,
}

/// <summary>
/// A fake of Azure Key Vault's HTTPS interface, not Key Vault: written from its documented contract, because no vault can be had here. It
/// challenges, refuses bodies before it knows the caller, wants the api-version, and checks algorithm, digest and key version.
/// </summary>
public sealed class FakeKeyVault : IAsyncDisposable
{
    /// <summary>The name under which it can be reached, by who resolves it to the loopback.</summary>
    public const string Host = "overlay1.vault.fake.example.net";

    public const string Tenant = "5a3f0e0e-0000-4000-8000-000000000001";
    public const string Resource = "https://vault.fake.example.net";
    public const string Token = "token-planted-31c7";
    public const string CertificateName = "node-ca";

    private const string Version = "0123456789abcdef0123456789abcdef";
    private readonly TestPki _pki = TestPki.Create();
    private readonly TestAuthority _authority;
    private readonly AsymmetricAlgorithm _otherKey;
    private readonly WebApplication _application;
    private readonly TimeSpan _latency;
    private int _signatures;
    private int _challenges;
    private int _reads;

    private FakeKeyVault(TestKeyKind kind, TimeSpan latency)
    {
        _latency = latency;
        _authority = TestAuthority.Create(kind);
        _otherKey = TestAuthority.NewKey(kind);
        var files = _pki.ServerCertificate("keyvault", Host);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, 0, listen => listen.UseHttps(X509Certificate2.CreateFromPemFile(files.CertificatePath, files.KeyPath))));
        _application = builder.Build();
        _application.Run(ServeAsync);
    }

    /// <summary>The port on the loopback; after the start.</summary>
    public int Port => new Uri(_application.Urls.First()).Port;

    /// <summary>The address by its name, that only a client which resolves it to the loopback can reach.</summary>
    public Uri Url => new($"https://{Host}:{Port}");

    /// <summary>The pinned version of the CA's key.</summary>
    public Uri KeyUrl => new(KeyId);

    /// <summary>The CA that trusts its TLS certificate, PEM.</summary>
    public string ServerCaFile => _pki.AuthorityPath;

    /// <summary>The root above its CA, PEM.</summary>
    public string RootPem => PemEncoding.WriteString("CERTIFICATE", _authority.Chain[^1]);

    public KeyVaultTrick Trick { get; set; }

    /// <summary>The body of the last refused call without a token: must be empty.</summary>
    public string LastUnauthorizedBody { get; private set; } = "";

    public int Signatures => _signatures;

    public int Challenges => _challenges;

    /// <summary>How often the certificate was read.</summary>
    public int Reads => _reads;

    /// <summary>
    /// A client's connections to it: its name exists nowhere, so that they go to the loopback; TLS still checks the name.
    /// </summary>
    public SocketsHttpHandler CreateHandler(int? port = null)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(ServerCaFile);
        return new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust },
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port ?? Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
    }

    public static async Task<FakeKeyVault> StartAsync(TestKeyKind kind = TestKeyKind.P256, TimeSpan latency = default)
    {
        var vault = new FakeKeyVault(kind, latency);
        await vault._application.StartAsync();
        return vault;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _authority.Dispose();
        _otherKey.Dispose();
        _pki.Dispose();
    }

    private string KeyId => $"{Url.AbsoluteUri}keys/{CertificateName}/{Version}";

    private async Task ServeAsync(HttpContext context)
    {
        context.Response.Headers["X-Fake"] = "FakeKeyVault, not Key Vault";
        if (_latency > TimeSpan.Zero)
        {
            await Task.Delay(_latency, TimeProvider.System, context.RequestAborted);
        }

        if (context.Request.Headers.Authorization != $"Bearer {Token}")
        {
            await ChallengeAsync(context);
            return;
        }

        if (context.Request.Query["api-version"].Count == 0)
        {
            await FailAsync(context, 400, "BadParameter");
            return;
        }

        var path = context.Request.Path.Value!.Trim('/').Split('/');
        await ((context.Request.Method, path) switch
        {
            ("GET", ["certificates", CertificateName] or ["certificates", CertificateName, Version]) => CertificateAsync(context),
            ("POST", ["keys", CertificateName, Version, "sign"]) => SignAsync(context),
            ("POST", ["keys", _, _, "sign"]) => FailAsync(context, 404, "KeyNotFound"),
            (_, ["certificates", ..]) => FailAsync(context, 404, "CertificateNotFound"),
            _ => FailAsync(context, 405, "MethodNotAllowed"),
        });
    }

    private async Task ChallengeAsync(HttpContext context)
    {
        Interlocked.Increment(ref _challenges);
        LastUnauthorizedBody = await new StreamReader(context.Request.Body).ReadToEndAsync(context.RequestAborted);
        var resource = Trick is KeyVaultTrick.Phishes ? "https://vault.azure.net" : Resource;
        context.Response.Headers.WWWAuthenticate =
            $"Bearer authorization=\"https://login.fake.example.net/{Tenant}\", resource=\"{resource}\"";
        await FailAsync(context, 401, "Unauthorized");
    }

    private Task CertificateAsync(HttpContext context)
    {
        Interlocked.Increment(ref _reads);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return AnswerAsync(context, new JsonObject
        {
            ["id"] = $"{Url.AbsoluteUri}certificates/{CertificateName}/{Version}",
            ["kid"] = KeyId,
            ["sid"] = $"{Url.AbsoluteUri}secrets/{CertificateName}/{Version}",
            ["x5t"] = Base64Url(SHA256.HashData(_authority.Certificate.RawData)[..20]),
            ["cer"] = Convert.ToBase64String(_authority.Certificate.RawData),
            ["attributes"] = new JsonObject { ["enabled"] = true, ["created"] = now, ["updated"] = now },
            ["policy"] = new JsonObject
            {
                ["id"] = $"{Url.AbsoluteUri}certificates/{CertificateName}/policy",
                ["key_props"] =
                    new JsonObject { ["kty"] = _authority.Key is RSA ? "RSA" : "EC", ["exportable"] = false, ["reuse_key"] = true },
                ["issuer"] = new JsonObject { ["name"] = "Unknown" },
            },
        });
    }

    private async Task SignAsync(HttpContext context)
    {
        if (Trick is KeyVaultTrick.Forbids or KeyVaultTrick.Fails)
        {
            await FailAsync(
                context, Trick is KeyVaultTrick.Forbids ? 403 : 500, Trick is KeyVaultTrick.Forbids ? "Forbidden" : "InternalError");
            return;
        }

        if (Trick is KeyVaultTrick.Throttles)
        {
            context.Response.Headers.RetryAfter = "9";
            await FailAsync(context, 429, "Throttled");
            return;
        }

        var body = (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))!;
        var text = (string)body["value"]!;
        var digest = Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));
        var key = Trick is KeyVaultTrick.OtherKey or KeyVaultTrick.OtherVersion ? _otherKey : _authority.Key;
        var signature = Sign(key, (string)body["alg"]!, digest);
        if (signature is null || text.Contains('='))
        {
            await FailAsync(context, 400, "BadParameter");
            return;
        }

        Interlocked.Increment(ref _signatures);
        await AnswerSignatureAsync(context, signature);
    }

    private async Task AnswerSignatureAsync(HttpContext context, byte[] signature)
    {
        switch (Trick)
        {
            case KeyVaultTrick.Silent:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
                break;
            case KeyVaultTrick.LosesTheAnswer:
                context.Abort();
                break;
            case KeyVaultTrick.Garbage:
                await context.Response.WriteAsync("<html>It works!</html>");
                break;
            default:
                var version = Trick is KeyVaultTrick.OtherVersion ? new string('f', 32) : Version;
                await AnswerAsync(context, new JsonObject
                {
                    ["kid"] = $"{Url.AbsoluteUri}keys/{CertificateName}/{version}",
                    ["value"] = Base64Url(signature),
                });
                break;
        }
    }

    // The digest must be as long as the algorithm says, and the algorithm fit the key: the vault signs nothing else.
    private static byte[]? Sign(AsymmetricAlgorithm key, string algorithm, byte[] digest) => (key, algorithm, digest.Length) switch
    {
        (RSA rsa, "RS256", 32) => rsa.SignHash(digest, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        (RSA rsa, "RS384", 48) => rsa.SignHash(digest, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
        (ECDsa { KeySize: 256 } ecdsa, "ES256", 32) => ecdsa.SignHash(digest, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        (ECDsa { KeySize: 384 } ecdsa, "ES384", 48) => ecdsa.SignHash(digest, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        _ => null,
    };

    private static string Base64Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static Task FailAsync(HttpContext context, int status, string code) => AnswerAsync(
        context, new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = "said by a fake" } }, status);

    private static Task AnswerAsync(HttpContext context, JsonObject answer, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(answer.ToJsonString());
    }
}
