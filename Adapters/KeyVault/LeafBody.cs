using System.Formats.Asn1;
using System.Security.Cryptography;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.KeyVault;

/// <summary>Makes what the vault's key is to sign, and joins the signature to it.</summary>
/// <remarks>
/// Built before it is signed: a signature asked for in between would block a thread for the length of a call to the vault.
/// </remarks>
internal static class LeafBody
{
    private const int SerialBytes = 16;

    /// <summary>The part of the certificate that is signed, DER.</summary>
    public static byte[] Build(CertificateOrder order, KeyVaultAuthority authority) => CertificateWriter.Body(order.DraftBy(
        Serial(),
        authority.AlgorithmIdentifier,
        authority.Certificate.SubjectName.RawData,
        CertificateWriter.KeyIdentifierOf(authority.Certificate),
        authority.Certificate.NotAfter.ToUniversalTime()));

    /// <summary>The certificate, DER.</summary>
    /// <param name="body">What was signed.</param>
    /// <param name="signature">As the vault gives it.</param>
    /// <param name="authority">Who signed.</param>
    public static byte[] Join(byte[] body, byte[] signature, KeyVaultAuthority authority) =>
        CertificateWriter.Join(body, authority.AlgorithmIdentifier, authority.IsElliptic ? Sequence(signature) : signature);

    // Key Vault gives r and s side by side, each as wide as the curve; X.509 wants a SEQUENCE of two INTEGERs.
    private static byte[] Sequence(ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(Trim(signature[..(signature.Length / 2)]));
            writer.WriteIntegerUnsigned(Trim(signature[(signature.Length / 2)..]));
        }

        return writer.Encode();
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> number)
    {
        var start = number.IndexOfAnyExcept((byte)0);
        return start < 0 ? [0] : number[start..];
    }

    // The two bits make it positive and always of the same length.
    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }
}
