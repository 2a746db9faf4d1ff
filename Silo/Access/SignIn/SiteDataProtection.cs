using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace ControlPlane.Access;

/// <summary>
/// Seals what ASP.NET has browsers keep during a sign-in, sessions in Redis, and what identity providers answered, by a key that all silos
/// of the site have: any of them opens what another sealed, also after a restart, and while the site's key is replaced. Thread-safe.
/// </summary>
/// <remarks>
/// AES-256-GCM: nonce, tag, text. Each purpose has a key of its own, so that nothing sealed for one is taken for another.
/// </remarks>
internal sealed class SiteDataProtection(Func<IReadOnlyList<byte[]>> readKeys) : IDataProtectionProvider
{
    // Read when first needed: a silo without sign-in has nothing to seal.
    private readonly Lazy<IReadOnlyList<byte[]>> _keys = new(readKeys);

    public IDataProtector CreateProtector(string purpose) => new Protector(_keys, purpose);

    private sealed class Protector(Lazy<IReadOnlyList<byte[]>> site, string purpose) : IDataProtector
    {
        private static readonly int NonceBytes = AesGcm.NonceByteSizes.MaxSize;
        private static readonly int TagBytes = AesGcm.TagByteSizes.MaxSize;

        private readonly Lazy<IReadOnlyList<byte[]>> _keys = new(() => [.. site.Value.Select(key => HKDF.DeriveKey(
            HashAlgorithmName.SHA256, key, 32, info: Encoding.UTF8.GetBytes($"controlplane data {purpose}")))]);

        // Lengths before the parts: 'a' within 'b' is not 'ab'.
        public IDataProtector CreateProtector(string within) => new Protector(site, $"{purpose.Length}:{purpose}{within.Length}:{within}");

        public byte[] Protect(byte[] plaintext)
        {
            var sealedBytes = new byte[NonceBytes + TagBytes + plaintext.Length];
            var nonce = sealedBytes.AsSpan(0, NonceBytes);
            RandomNumberGenerator.Fill(nonce);
            using var cipher = new AesGcm(_keys.Value[0], TagBytes);
            cipher.Encrypt(
                nonce, plaintext, sealedBytes.AsSpan(NonceBytes + TagBytes), sealedBytes.AsSpan(NonceBytes, TagBytes));
            return sealedBytes;
        }

        public byte[] Unprotect(byte[] protectedData)
        {
            if (protectedData.Length < NonceBytes + TagBytes)
            {
                throw new CryptographicException("what is to be opened is too short to have been sealed");
            }

            return _keys.Value.Select(key => OpenOrNull(key, protectedData)).FirstOrDefault(plaintext => plaintext is not null)
                ?? throw new CryptographicException("what is to be opened was sealed by no key of the site for this, or changed since");
        }

        private static byte[]? OpenOrNull(byte[] key, byte[] protectedData)
        {
            var plaintext = new byte[protectedData.Length - NonceBytes - TagBytes];
            using var cipher = new AesGcm(key, TagBytes);
            try
            {
                cipher.Decrypt(
                    protectedData.AsSpan(0, NonceBytes),
                    protectedData.AsSpan(NonceBytes + TagBytes),
                    protectedData.AsSpan(NonceBytes, TagBytes),
                    plaintext);
                return plaintext;
            }
            catch (AuthenticationTagMismatchException)
            {
                return null;
            }
        }
    }
}
