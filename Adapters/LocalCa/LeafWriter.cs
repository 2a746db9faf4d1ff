using System.Security.Cryptography;
using System.Text;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Makes node certificates.</summary>
internal static class LeafWriter
{
    private const int SerialBytes = 16;

    /// <summary>Signs an order; the same order by the same authority gets the same serial number and content.</summary>
    public static byte[] Sign(CertificateOrder order, Authority authority, Uri? revocationListUrl) =>
        authority.Key.SignBody(CertificateWriter.Body(
            order.DraftBy(SerialOf(order, authority), authority.Key.Algorithm, authority.Name, authority.KeyIdentifier, authority.NotAfter)
                with
                {
                    RevocationListUrl = revocationListUrl,
                }));

    // A keyed digest of the order's name and key: as unguessable as a random number to anyone without the CA's key, and the same again
    // when an order is repeated after a crash, on whichever silo. The two bits make it positive and always of the same length.
    private static byte[] SerialOf(CertificateOrder order, Authority authority)
    {
        using var digest = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, authority.Key.SerialKey);
        digest.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(order.OrderId)));
        digest.AppendData(order.PublicKeyInfoDer.Span);
        var serial = digest.GetHashAndReset().AsSpan(0, SerialBytes).ToArray();
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }
}
