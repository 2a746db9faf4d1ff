using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Sites;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Signs with the site's key (<see cref="SitesOptions.SeedFile"/>), as it was at start.</summary>
internal sealed class SiteKeySigner(IOptions<SitesOptions> sites) : ISiteSigner, IDisposable
{
    private readonly Ed25519Key? key = sites.Value.ReadKey();

    public string? PublicKey => key?.PublicKeyHex;

    public string Sign(ReadOnlySpan<byte> bytes) =>
        key?.SignHex(bytes) ?? throw new InvalidOperationException("there is no key to sign with");

    /// <summary>Whether a signature is of a key, as <see cref="AuditVerification"/> asks.</summary>
    public static bool IsSigned(string publicKey, byte[] bytes, string signature) => Ed25519Key.VerifyHex(publicKey, bytes, signature);

    public void Dispose() => key?.Dispose();
}
