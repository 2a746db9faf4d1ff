using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Command;

/// <summary>Has certificates issued by a program: stdin JSON, stdout JSON, as Choria Provisioner's helper.</summary>
internal sealed class CommandIssuer : ICertificateIssuer, IDisposable
{
    private readonly HelperSpeech speech;
    private readonly HelperPool pool;
    private readonly string name;
    private readonly CommandOptions options;
    private readonly TimeProvider time;
    private volatile IReadOnlyList<byte[]>? lastChain;

    public CommandIssuer(string name, CommandOptions options, TimeProvider time)
    {
        (this.name, this.options, this.time) = (name, options, time);
        speech = new HelperSpeech(options.Arguments);
        pool = new HelperPool(options, speech);
    }

    public string Name => name;

    public IssuerCapabilities Capabilities => IssuerCapabilities.None;

    public async Task<SignedCertificate> IssueAsync(CertificateOrder order, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var patience = new CancellationTokenSource(options.TimeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var started = false;
        try
        {
            return Read(await pool.AskAsync(Write(order), () => started = true, either.Token));
        }
        catch (OperationCanceledException late) when (!started && !cancellationToken.IsCancellationRequested)
        {
            throw new IssuerUnavailableException($"all copies of {options.Program} are at work", late);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IssuerOutcomeUnknownException($"{options.Program} was killed after {options.TimeLimit.TotalSeconds:0} seconds", late);
        }
        catch (ProgramNotStartedException absent)
        {
            throw new IssuerMisconfiguredException($"{options.Program}: {absent.Message}", absent);
        }
        catch (IOException broken)
        {
            throw new IssuerOutcomeUnknownException($"{options.Program} failed: {broken.Message}", broken);
        }
        catch (Exception unreadable) when (unreadable is JsonException or CryptographicException)
        {
            throw new IssuerOutcomeUnknownException($"{options.Program} answered something that cannot be read", unreadable);
        }
    }

    public Task<IReadOnlyList<byte[]>> GetChainAsync(CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(
                options.ChainPath is { } path ? ReadChain(File.ReadAllText(path)) : lastChain ?? []);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new IssuerMisconfiguredException($"{options.ChainPath} cannot be read: {unreadable.Message}", unreadable);
        }
    }

    public Task<IssuerHealth> CheckAsync(CancellationToken cancellationToken) => Task.FromResult(
        File.Exists(options.Program)
            ? new IssuerHealth(true, $"{options.Program} is there; it is not asked")
            : new IssuerHealth(false, $"there is no program {options.Program}"));

    public void Dispose() => pool.Dispose();

    private static string Write(CertificateOrder order)
    {
        using var nothing = JsonDocument.Parse("{}");
        return JsonSerializer.Serialize(
            new HelperRequest(
                order.Subject.CommonName,
                new HelperSigningRequest(
                    PemEncoding.WriteString("CERTIFICATE REQUEST", order.SigningRequestDer.Span) + "\n",
                    HelperMessages.WritePublicKey(PublicKey.CreateFromSubjectPublicKeyInfo(order.PublicKeyInfoDer.Span, out _)),
                    SslDirectory: ""),
                Ed25519PublicKey: null,
                Inventory: "{}",
                Token: nothing.RootElement),
            HelperJson.Plain.HelperRequest);
    }

    private SignedCertificate Read(HelperAnswer answer)
    {
        if (answer.Defer)
        {
            throw new IssuerThrottledException($"{name} defers: {speech.Filter(answer.Message)}", options.DeferFor);
        }

        if (answer.Shutdown)
        {
            throw new IssuerRefusedException($"{name} refuses: {speech.Filter(answer.Message)}");
        }

        using var certificate = PemCertificates.Read(answer.CertificatePem)[0];
        var chain = string.IsNullOrWhiteSpace(answer.ChainPem) ? [] : ReadChain(answer.ChainPem);
        lastChain = chain.Count > 0 ? chain : lastChain;
        return new SignedCertificate(certificate.RawData, chain);
    }

    private static IReadOnlyList<byte[]> ReadChain(string pem) => [.. PemCertificates.Read(pem).Select(certificate => certificate.RawData)];
}
