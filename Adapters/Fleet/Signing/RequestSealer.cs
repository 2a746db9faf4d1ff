using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>Signs requests for their callers: as a delegator in protocol v2, with a privileged certificate in v1. Thread-safe.</summary>
internal sealed class RequestSealer : IDisposable
{
    private readonly Ed25519Key? delegatorKey;
    private readonly RequestSigner? delegator;
    private readonly RSA? certificateKey;
    private readonly RequestSigner? privileged;

    // Nothing promises that one key may sign on several threads at once.
    private readonly Lock certificateGate = new();

    public RequestSealer(IOptions<ChoriaSigningOptions> options)
    {
        if (options.Value is { SignerTokenFile: { } tokenFile, SignerSeedFile: { } seedFile })
        {
            // The delegator's own token stands in the place of the caller's too, as the AAA service has it: callers put theirs there.
            var token = SecretFile.Read(tokenFile);
            delegatorKey = Ed25519Key.FromSeed(SecretFile.ReadHex(seedFile));
            delegator = RequestSigner.Delegated(delegatorKey, token, token);
        }

        if (options.Value is { SignerCertificateFile: { } certificateFile, SignerKeyFile: { } keyFile })
        {
            certificateKey = RSA.Create();
            certificateKey.ImportFromPem(SecretFile.Read(keyFile));
            privileged = RequestSigner.WithCertificate(certificateKey, File.ReadAllText(certificateFile));
        }
    }

    /// <summary>Whether requests of a protocol can be signed here.</summary>
    public bool CanSeal(ChoriaProtocol protocol) => (protocol == ChoriaProtocol.V1 ? privileged : delegator) is not null;

    /// <summary>The secure request.</summary>
    /// <exception cref="InvalidOperationException">Requests of its protocol are not signed here.</exception>
    public byte[] Seal(PlainRequest request)
    {
        if (request.Request.Protocol == ChoriaProtocol.V2)
        {
            return request.Seal(delegator ?? throw NotConfigured(ChoriaProtocol.V2));
        }

        lock (certificateGate)
        {
            return request.Seal(privileged ?? throw NotConfigured(ChoriaProtocol.V1));
        }
    }

    public void Dispose()
    {
        delegatorKey?.Dispose();
        certificateKey?.Dispose();
    }

    private static InvalidOperationException NotConfigured(ChoriaProtocol protocol) =>
        new($"requests of protocol {protocol} are not signed here: see {ChoriaSigningOptions.Section}");
}
